// Our proxy and a real Envoy ask a back end that answers hostile responses: what Envoy refuses is a 502 here, too, and the next request of
// the same client gets its own answer, whatever stood behind the one before.
import { strict as assert } from "node:assert";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import type { RecordingBackend } from "../harness/recording-backend.ts";
import { llhttpResponses } from "../hostile/llhttp.ts";
import type { Message } from "../hostile/message.ts";
import { HOSTILE_RESPONSES } from "../hostile/responses.ts";
import type { HostileResponse } from "../hostile/responses.ts";

const FIRST_NUMBER = 100;
const AT_ONCE = 8;
/** After something came; until then a busy machine may take its time. */
const QUIET_MS = 700;
const SILENT_MS = 5_000;

interface Answer {
  readonly bytes: Buffer;
  readonly closed: boolean;
}

interface Outcome {
  readonly first: Answer;
  /** Of an honest request on a connection of its own afterwards. */
  readonly second: Answer;
}

interface Side {
  readonly backend: RecordingBackend;
  readonly proxy: LoneProxy;
  readonly outcomes: Outcome[];
}

function ask(port: number, text: string): Promise<Answer> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    let over = false;
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      socket.destroy();
      done({ bytes: Buffer.concat(chunks), closed });
    };
    socket.setTimeout(SILENT_MS, () => finish(false));
    socket.on("data", (chunk: Buffer) => {
      socket.setTimeout(QUIET_MS);
      chunks.push(chunk);
    });
    for (const event of ["end", "close", "error"]) socket.on(event, () => finish(true));
    socket.write(text);
  });
}

function requestOf({ method = "GET", upgrade = false }: HostileResponse, number: number): string {
  return `${method} /c${number} HTTP/1.1\r\nHost: a.example\r\n${upgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : ""}\r\n`;
}

async function attack(kind: "mizzen" | "envoy"): Promise<Side> {
  const backend = await startRecordingBackend(({ line }, socket) => {
    const number = Number(/\/c(\d+) /.exec(line)?.[1] ?? -1);
    const hostile = HOSTILE_RESPONSES[number - FIRST_NUMBER];
    if (hostile === undefined) return undefined;
    const bytes = Buffer.from(hostile.bytes.replaceAll("@", String(number)), "latin1");
    if (hostile.end !== true) return bytes;
    socket.end(bytes);
    return "";
  });
  const proxy = await startLoneProxy(kind, { backendPort: backend.port });
  const outcomes: Outcome[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let index = next++; index < HOSTILE_RESPONSES.length; index = next++) {
      const number = FIRST_NUMBER + index;
      const first = await ask(proxy.port, requestOf(HOSTILE_RESPONSES[index]!, number));
      // The same connection upstream is taken again, if it was kept.
      const second = await ask(proxy.port, `GET /c${number}/honest HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
      outcomes[index] = { first, second };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return { backend, proxy, outcomes };
}

let ours: Side;
let envoys: Side;

before(async () => {
  [ours, envoys] = await Promise.all([attack("mizzen"), attack("envoy")]);
});

after(async () => {
  for (const side of [ours, envoys]) {
    await side?.proxy.stop();
    await side?.backend.close();
  }
});

/** What the client was told; a body that is our own, or Envoy's, says nothing. */
function told({ first }: Outcome, { method }: HostileResponse): unknown {
  const { messages } = llhttpResponses(first.bytes, { method: method ?? "GET", end: first.closed });
  return messages.map(({ start, body, complete }: Message) => (Number(start) >= 500 ? start : [start, body, complete]));
}

function check(hostile: HostileResponse, our: Outcome, envoy: Outcome): void {
  const shown = `ours ${JSON.stringify(told(our, hostile))}\nEnvoy's ${JSON.stringify(told(envoy, hostile))}`;
  if (hostile.stricter !== undefined) {
    assert.notDeepEqual(told(our, hostile), told(envoy, hostile), `${hostile.name} needs no excuse any more`);
    const { messages } = llhttpResponses(our.first.bytes, { end: our.first.closed });
    assert.ok(messages.at(-1)?.start === "502" || messages.at(-1)?.complete === false, `it is refused or cut: ${shown}`);
  } else if (hostile.otherwise !== undefined) {
    assert.notDeepEqual(told(our, hostile), told(envoy, hostile), `${hostile.name} needs no excuse any more`);
  } else assert.deepEqual(told(our, hostile), told(envoy, hostile), shown);
}

test("hostile responses are passed on as by Envoy, or refused for a reason", async (t) => {
  assert.ok(HOSTILE_RESPONSES.length >= 80, `${HOSTILE_RESPONSES.length} responses`);
  for (const [index, hostile] of HOSTILE_RESPONSES.entries()) {
    await t.test(hostile.name, () => check(hostile, ours.outcomes[index]!, envoys.outcomes[index]!));
  }
});

test("the next request gets its own answer, whatever stood behind the one before", () => {
  for (const [index, { name }] of HOSTILE_RESPONSES.entries()) {
    const { messages, error } = llhttpResponses(ours.outcomes[index]!.second.bytes, { end: true });
    const [only] = messages;
    assert.deepEqual([messages.length, only?.start, only?.body, error], [1, "200", String(FIRST_NUMBER + index), undefined], name);
  }
});

test("nothing that a client is told can be read in two ways", () => {
  for (const [index, { name, method = "GET" }] of HOSTILE_RESPONSES.entries()) {
    const { first } = ours.outcomes[index]!;
    for (const lenient of [false, true]) {
      const { error } = llhttpResponses(first.bytes, { method, lenient });
      assert.equal(error, undefined, name);
    }
  }
  assert.deepEqual(ours.backend.problems, []);
});
