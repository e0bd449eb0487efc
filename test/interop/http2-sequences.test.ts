// The table of frame sequences against three proxies: ours does what the table says, to the code; Envoy and nghttpx treat each as the
// same kind of error (of the connection, of the stream, none), or the list below says where they differ and why ours does not follow.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import { debianTool } from "../harness/tools.ts";
import { play } from "./http2-player.ts";
import { SEQUENCES } from "./http2-sequences.ts";
import type { Sequence } from "./http2-sequences.ts";

type Kind = "connection" | "stream" | "served";

interface Difference {
  readonly why: string;
  readonly names: readonly string[];
  readonly envoy?: Kind;
  readonly nghttpx?: Kind;
  /** It depends on what comes first; then they judge alike. */
  readonly races?: boolean;
}

const DIFFERENCES: readonly Difference[] = [
  {
    why: "RFC 9113 6.5.3 says nothing of an acknowledgement that was not due; ours passes it over",
    names: ["an acknowledgement that was not due"],
    envoy: "connection",
    nghttpx: "connection",
  },
  {
    why: "a client's GOAWAY refuses pushes; both take it for the end of the connection",
    names: ["a GOAWAY of a client, whose requests go on", "a GOAWAY with debug data"],
    envoy: "connection",
    nghttpx: "connection",
  },
  { why: "RFC 9113 6.3: PRIORITY on stream 0 is an error of the connection", names: ["PRIORITY on stream 0"], envoy: "served" },
  { why: "priorities are not read at all", names: ["PRIORITY on itself"], envoy: "served" },
  {
    why: "RFC 9113 5.1.1: a stream id below an earlier one is an error of the connection; nghttp2 passes the frame over",
    names: ["a lower stream id than before"],
    envoy: "served",
    nghttpx: "served",
  },
  {
    why: "RFC 9113 5.1: frames behind the end of a stream are STREAM_CLOSED; nghttp2 passes them over once the stream is forgotten",
    names: [
      "DATA behind the end of both sides",
      "HEADERS behind the end of both sides",
      "trailers behind the end of both sides",
      "DATA behind RST_STREAM",
      "HEADERS behind RST_STREAM",
      "trailers behind RST_STREAM",
    ],
    envoy: "served",
    nghttpx: "served",
    races: true,
  },
  {
    why: "RFC 9113 6.9.2: a window that SETTINGS make too large is an error of the connection",
    names: ["SETTINGS that make a stream's window too large"],
    envoy: "stream",
    nghttpx: "stream",
  },
  {
    why: "RFC 9113 8.2.1: a value neither begins nor ends with white space; Envoy turns this check of nghttp2 off",
    names: ['the value " a"', 'the value "a "', 'the value "\\ta"', 'the value "a\\t"', 'the value " "'],
    envoy: "served",
  },
  { why: "RFC 9113 8.3.1: no user information in :authority", names: ['the authority "user@a.example"'], nghttpx: "served" },
  {
    why: "nghttpx offers extended CONNECT; the table is for a server that does not",
    names: [":protocol that was not offered"],
    nghttpx: "served",
  },
];

const AT_ONCE = 16;
const started: { backend?: Server; proxies: LoneProxy[]; nghttpx?: ChildProcess } = { proxies: [] };
const outcomes: Record<"mizzen" | "envoy" | "nghttpx", Map<string, string>> = { mizzen: new Map(), envoy: new Map(), nghttpx: new Map() };

async function playAll(port: number, into: Map<string, string>): Promise<void> {
  let next = 0;
  const player = async (): Promise<void> => {
    for (let sequence = SEQUENCES[next++]; sequence !== undefined; sequence = SEQUENCES[next++]) {
      into.set(sequence.name, await play(port, sequence));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, player));
}

before(async () => {
  const backend = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end("ok"));
  });
  started.backend = backend;
  await new Promise<void>((done) => backend.listen(0, "127.0.0.1", done));
  const backendPort = (backend.address() as AddressInfo).port;
  const manager = { streamErrorOnInvalidHttpMessage: true, proxy100Continue: false };
  for (const kind of ["mizzen", "envoy"] as const) {
    const proxy = await startLoneProxy(kind, { backendPort, manager });
    started.proxies.push(proxy);
    await playAll(proxy.port, outcomes[kind]);
  }
  const port = await freePort();
  const nghttpx = spawn(
    debianTool("nghttpx", "nghttp2-proxy"),
    [`-f127.0.0.1,${port};no-tls`, `-b127.0.0.1,${backendPort}`, "--workers=1"],
    {
      stdio: "ignore",
    },
  );
  started.nghttpx = nghttpx;
  await eventually(
    "nghttpx's answer",
    30_000,
    async () => (await call(`http://127.0.0.1:${port}/`).catch(() => undefined))?.status === 200,
  );
  await playAll(port, outcomes.nghttpx);
});

after(async () => {
  started.nghttpx?.kill();
  await Promise.all(started.proxies.map((proxy) => proxy.stop()));
  started.backend?.closeAllConnections();
  started.backend?.close();
});

const kindOf = (outcome: string): Kind => {
  if (outcome.startsWith("stream ")) return "stream";
  return outcome === "served" ? "served" : "connection";
};

/** A server may treat an error of a stream as one of the connection (RFC 9113 5.4.2). */
function allowed(sequence: Sequence): readonly Kind[] {
  const kinds = sequence.expected.map(kindOf);
  return kinds.includes("stream") ? [...kinds, "connection"] : kinds;
}

test("ours does what the RFC says, to the code", () => {
  const wrong = SEQUENCES.filter(({ name, expected }) => !(expected as readonly string[]).includes(outcomes.mizzen.get(name) ?? ""));
  assert.deepEqual(
    wrong.map(({ name, expected }) => `${name}: ${outcomes.mizzen.get(name)} instead of ${expected[0]}`),
    [],
  );
});

for (const peer of ["envoy", "nghttpx"] as const) {
  test(`${peer} judges alike, but where the list says otherwise`, () => {
    const lines: string[] = [];
    for (const sequence of SEQUENCES) {
      const kind = kindOf(outcomes[peer].get(sequence.name) ?? "");
      const difference = DIFFERENCES.find(({ names }) => names.includes(sequence.name));
      const listed = difference?.[peer];
      const alike = allowed(sequence).includes(kind);
      if (listed === undefined ? !alike : kind !== listed && !(difference?.races === true && alike)) {
        lines.push(`${sequence.name}: ${outcomes[peer].get(sequence.name)}, ours ${outcomes.mizzen.get(sequence.name)}`);
      }
    }
    assert.deepEqual(lines, []);
  });
}

test("the list names sequences that there are", () => {
  const names = new Set(SEQUENCES.map(({ name }) => name));
  assert.deepEqual(
    DIFFERENCES.flatMap((difference) => difference.names).filter((name) => !names.has(name)),
    [],
  );
});
