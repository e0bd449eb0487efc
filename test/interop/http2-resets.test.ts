// RST_STREAM of every code, from hosts before they answer and from clients before they are answered, through our proxy and a real Envoy:
// what the client gets, what the access log says, and what is counted.
import assert from "node:assert/strict";
import { connect, createServer } from "node:http2";
import type { Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

/** NO_ERROR to HTTP_1_1_REQUIRED, and one that does not exist. */
const CODES = Array.from({ length: 15 }, (_, code) => code);
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CLUSTER = {
  typedExtensionProtocolOptions: {
    [OPTIONS]: { "@type": `type.googleapis.com/${OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
  },
};
const COUNTED = /^(cluster\.outbound.*upstream_rq_(rx_reset|tx_reset|retry)|http\.lone\.downstream_rq_rx_reset)$/;
/** Envoy says nothing of why a client ended a stream that says it was no error. */
const NO_ERROR_BY_CLIENT = "/silent/0 ";

interface Side {
  readonly answers: readonly string[];
  readonly logs: readonly string[];
  readonly counts: readonly string[];
}

/** `/reset/N` is reset with code N, `/silent/...` never answered. */
function startHost(): Promise<Http2Server> {
  const server = createServer();
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const code = /\/reset\/(\d+)$/.exec(headers[":path"] ?? "")?.[1];
    if (code !== undefined) stream.close(Number(code));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function resetByClient(proxy: LoneProxy, code: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  const stream = session.request({ ":path": `/silent/${code}` });
  stream.on("error", () => {});
  stream.resume();
  await eventually("the request is with the host", 30_000, async () => {
    const active = await proxy.stats(/^cluster\.outbound.*upstream_rq_active$/);
    return [...active.values()].some((value) => value > 0) || undefined;
  });
  const over = new Promise((done) => stream.on("close", done));
  stream.close(code);
  await over;
  session.close();
}

async function play(kind: "mizzen" | "envoy", backendPort: number): Promise<Side> {
  const proxy = await startLoneProxy(kind, { backendPort, cluster: CLUSTER });
  try {
    const answers: string[] = [];
    for (const code of CODES) {
      for (const path of [`/reset/${code}`, `/retry/reset/${code}`]) {
        const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`);
        answers.push(`${path} ${answer.status} ${await answer.text()}`);
      }
    }
    for (const code of CODES) await resetByClient(proxy, code);
    const logs = await eventually(`${kind} writes a line for each`, 30_000, () => {
      const lines = proxy.log();
      return lines.length === 3 * CODES.length ? lines : undefined;
    });
    // Envoy folds the counters of its threads every few seconds.
    await new Promise((done) => setTimeout(done, kind === "envoy" ? 6_000 : 0));
    return { answers, logs, counts: [...(await proxy.stats(COUNTED))].map(([name, value]) => `${name} ${value}`).sort() };
  } finally {
    await proxy.stop();
  }
}

describe("resets mean what they mean to Envoy", () => {
  let host: Http2Server;
  let ours: Side;
  let envoys: Side;

  before(async () => {
    host = await startHost();
    const { port } = host.address() as AddressInfo;
    [ours, envoys] = await Promise.all([play("mizzen", port), play("envoy", port)]);
  });

  after(() => host?.close());

  test("what clients get", () => {
    assert.deepEqual(ours.answers, envoys.answers);
  });

  test("what the access log says", () => {
    const unnamed = (line: string): boolean => !line.startsWith(NO_ERROR_BY_CLIENT);
    assert.deepEqual(ours.logs.filter(unnamed), envoys.logs.filter(unnamed));
    assert.notDeepEqual(ours.logs, envoys.logs, "NO_ERROR of a client needs no exception any more");
  });

  test("what is counted", () => {
    assert.deepEqual(ours.counts, envoys.counts);
  });
});
