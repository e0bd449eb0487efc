// Our proxy and a real Envoy get the same hostile bytes: what Envoy refuses we refuse with the same status, what both forward reaches the
// back end as the same requests, and where we refuse what Envoy forwards, the table says why. Nothing that the back end was told may be
// readable in two ways.
import { strict as assert } from "node:assert";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import type { ReceivedRequest, RecordingBackend } from "../harness/recording-backend.ts";
import { bytesOf } from "../hostile/hostile-case.ts";
import type { HostileCase } from "../hostile/hostile-case.ts";
import { HOSTILE_CASES, PIPELINED_CASES } from "../hostile/requests.ts";

const FIRST_NUMBER = 100;
const AT_ONCE = 24;
/** After something came: Envoy keeps a refused connection open for a second. Until then a busy machine may take its time. */
const QUIET_MS = 700;
const SILENT_MS = 5_000;

interface Outcome {
  readonly statuses: readonly number[];
  readonly closed: boolean;
  readonly received: readonly ReceivedRequest[];
}

interface Side {
  readonly backend: RecordingBackend;
  readonly proxy: LoneProxy;
  readonly outcomes: Outcome[];
}

function exchange(port: number, bytes: Buffer, pieceBytes: number): Promise<Pick<Outcome, "statuses" | "closed">> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let over = false;
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      socket.destroy();
      done({ statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g)].map((match) => Number(match[1])), closed });
    };
    socket.setNoDelay(true);
    socket.setTimeout(SILENT_MS, () => finish(false));
    socket.on("data", (chunk: Buffer) => {
      socket.setTimeout(QUIET_MS);
      text += chunk.toString("latin1");
    });
    for (const event of ["end", "close", "error"]) socket.on(event, () => finish(true));
    const send = (at: number): void => {
      if (over || at >= bytes.length) return;
      socket.write(bytes.subarray(at, at + pieceBytes), () => setImmediate(send, at + pieceBytes));
    };
    send(0);
  });
}

async function attack(kind: "mizzen" | "envoy", cases: readonly HostileCase[]): Promise<Side> {
  const backend = await startRecordingBackend();
  const proxy = await startLoneProxy(kind, { backendPort: backend.port });
  const outcomes: Outcome[] = [];
  let next = 0;
  const attacker = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      const testCase = cases[index]!;
      const number = FIRST_NUMBER + index;
      const seen = await exchange(proxy.port, bytesOf(testCase, number), testCase.pieces ?? 1 << 20);
      outcomes[index] = { ...seen, received: backend.received(number) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, attacker));
  return { backend, proxy, outcomes };
}

const TABLES = { alone: HOSTILE_CASES, "with a request behind": PIPELINED_CASES };

interface Attack {
  readonly label: string;
  readonly cases: readonly HostileCase[];
  readonly ours: Side;
  readonly envoys: Side;
}
const attacks: Attack[] = [];

before(async () => {
  for (const [label, cases] of Object.entries(TABLES)) {
    const [ours, envoys] = await Promise.all([attack("mizzen", cases), attack("envoy", cases)]);
    attacks.push({ label, cases, ours, envoys });
  }
});

after(async () => {
  for (const side of attacks.flatMap(({ ours, envoys }) => [ours, envoys])) {
    await side.proxy.stop();
    await side.backend.close();
  }
});

/** What must be the same at the back end. Trailers: Envoy drops them from HTTP/1 unless it is told not to. */
function told({ received }: Outcome): unknown {
  return received.map(({ line, headers, body }) => ({
    line,
    host: headers.find(([name]) => name === "host")?.[1],
    body,
  }));
}

function isRefusal({ statuses, closed }: Outcome): boolean {
  return statuses.length === 0 ? closed : statuses.at(-1)! >= 400;
}

function check({ name, stricter, wider, statusDiffers }: HostileCase, our: Outcome, envoy: Outcome): void {
  const say = (outcome: Outcome): string => `${outcome.statuses.join()} ${JSON.stringify(told(outcome))}`;
  const shown = `ours ${say(our)}\nEnvoy's ${say(envoy)}`;
  if (isRefusal(our)) assert.equal(our.closed, true, `a connection that was refused is closed\n${shown}`);
  if (stricter !== undefined) {
    assert.ok(isRefusal(our), `we refuse it: ${stricter}\n${shown}`);
    assert.ok(our.received.length <= envoy.received.length, shown);
    assert.notDeepEqual([told(our), our.statuses], [told(envoy), envoy.statuses], `${name} needs no excuse any more`);
    return;
  }
  if (wider !== undefined) {
    assert.ok(our.received.length > envoy.received.length, `${name} needs no excuse any more\n${shown}`);
    return;
  }
  assert.deepEqual(told(our), told(envoy), shown);
  if (statusDiffers === undefined) assert.deepEqual(our.statuses, envoy.statuses, shown);
  else assert.notDeepEqual(our.statuses, envoy.statuses, `${name} needs no excuse any more: ${shown}`);
}

for (const [index, label] of Object.keys(TABLES).entries()) {
  test(`hostile requests ${label} get the answers that Envoy gives, or are refused for a reason`, async (t) => {
    const { cases, ours, envoys } = attacks[index]!;
    assert.ok(cases.length >= 400, `${cases.length} cases`);
    for (const [number, testCase] of cases.entries()) {
      await t.test(testCase.name, () => check(testCase, ours.outcomes[number]!, envoys.outcomes[number]!));
    }
  });

  test(`nothing that our back end was told by hostile requests ${label} can be read in two ways`, () => {
    const { ours } = attacks[index]!;
    assert.deepEqual(ours.backend.problems, []);
    assert.deepEqual(ours.backend.received(-1), []);
  });

  test(`every refusal of hostile requests ${label} is in the access log, once`, async () => {
    const { ours } = attacks[index]!;
    const answers = ours.outcomes.flatMap(({ statuses }) => statuses.filter((status) => status >= 400)).length;
    assert.ok(answers > 250, `${answers} refusals`);
    await eventually(
      "the access log is written",
      30_000,
      () => ours.proxy.log().filter((line) => / [45]\d\d /.test(line)).length === answers,
    );
  });
}
