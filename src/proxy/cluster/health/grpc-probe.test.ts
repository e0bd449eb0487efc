import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { FakePeer } from "#proxy/codec/http2/session.fake";
import type { StreamNotes } from "#proxy/codec/http2/session.fake";
import { FakeConnection } from "#proxy/http/connection.fake";
import { http2CodecStats } from "#proxy/http/http2-codec-stats";
import { FakeStats } from "#proxy/http/stats.fake";
import type { ConnectCallbacks } from "#proxy/net/connector";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import { healthCheckRequest, isServing } from "./grpc-health.ts";
import { GrpcProbe } from "./grpc-probe.ts";
import { HttpProbeConnection } from "./http-probe-connection.ts";
import type { ProbeContext, ProbeResult } from "./probe.ts";

const GRPC = ["content-type", "application/grpc"];
/** HealthCheckResponse{status}, with its prefix. */
const answer = (status: number): Buffer => Buffer.from([0, 0, 0, 0, 2, 8, status]);

class Bench {
  readonly stats = new FakeStats();
  readonly connects: ConnectCallbacks[] = [];
  readonly results: string[] = [];
  connection = new FakeConnection();
  server = new FakePeer("server");
  readonly probe: HttpProbeConnection;

  constructor(reuseConnection = true) {
    const context: ProbeContext = {
      address: { address: "10.0.0.1", port: 1 },
      connector: {
        connect: (_target, _timeoutMs, callbacks) => {
          this.connects.push(callbacks);
          return { cancel() {} };
        },
      },
      scheme: "http",
      authority: "c",
      reuseConnection,
      clock: new ManualClock(),
      random: seededRandom(1),
      runtime: NO_RUNTIME,
      http2Stats: () => http2CodecStats(this.stats),
      stats: this.stats,
      onResult: (result: ProbeResult) => void this.results.push(result.kind === "success" ? "success" : result.type),
    };
    this.probe = new HttpProbeConnection(
      true,
      context,
      new GrpcProbe({ kind: "grpc", serviceName: "pkg.Svc", host: "", metadata: undefined }, context),
    );
  }

  /** Starts a check that gets as far as the server. */
  async check(): Promise<StreamNotes> {
    this.probe.start();
    const connect = this.connects.shift();
    if (connect !== undefined) {
      this.connection = new FakeConnection();
      this.server = new FakePeer("server");
      connect.onConnected(this.connection, undefined);
    }
    await this.carry();
    return this.server.streams.at(-1)!;
  }

  async carry(): Promise<void> {
    for (;;) {
      // Outside of a batch writes leave with the microtask.
      await Promise.resolve();
      const there = this.connection.take();
      if (there !== "") this.server.session.receive(Buffer.from(there, "latin1"));
      const back = this.server.take();
      if (back.length > 0) this.connection.feed(back.toString("latin1"));
      else if (there === "") return;
    }
  }
}

describe("gRPC health checks", () => {
  it("ask for the service, and take SERVING for success; the connection stays for the next check", async () => {
    const bench = new Bench();
    for (let check = 0; check < 2; check++) {
      const { heads, body, stream } = await bench.check();
      assert.deepEqual([heads[0]!.method, heads[0]!.path, heads[0]!.authority], ["POST", "/grpc.health.v1.Health/Check", "c"]);
      assert.equal(body, "\0\0\0\0\x09\n\x07pkg.Svc");
      stream!.sendResponse(200, GRPC, false);
      stream!.sendData(answer(1), false);
      stream!.sendTrailers(["grpc-status", "0"]);
      await bench.carry();
    }
    assert.deepEqual(bench.results, ["success", "success"]);
    assert.equal(bench.server.streams.length, 2);
  });

  it("open a connection for each where none is to be kept, or the host wants no more on it", async () => {
    const bench = new Bench(false);
    const first = await bench.check();
    first.stream!.sendResponse(200, [...GRPC, "grpc-status", "5"], true);
    await bench.carry();
    assert.equal(bench.connection.closed, "now");
    const leaving = new Bench();
    const { stream } = await leaving.check();
    leaving.server.session.goaway(0);
    stream!.sendResponse(200, GRPC, false);
    stream!.sendData(answer(1), false);
    stream!.sendTrailers(["grpc-status", "0"]);
    await leaving.carry();
    assert.deepEqual(leaving.results, ["success"]);
    assert.equal(leaving.connection.closed, "now");
  });

  for (const [name, respond] of [
    ["NOT_SERVING", (s) => (s.sendResponse(200, GRPC, false), s.sendData(answer(2), false), s.sendTrailers(["grpc-status", "0"]))],
    ["an error of the call", (s) => s.sendResponse(200, [...GRPC, "grpc-status", "12"], true)],
    ["a status that is not 200", (s) => s.sendResponse(503, ["content-type", "text/plain"], true)],
    ["an answer that is no gRPC", (s) => (s.sendResponse(200, [], false), s.sendData(answer(1), true))],
    ["an answer without a status", (s) => (s.sendResponse(200, GRPC, false), s.sendData(answer(1), true))],
    [
      "two messages",
      (s) => (
        s.sendResponse(200, GRPC, false),
        s.sendData(Buffer.concat([answer(1), answer(1)]), false),
        s.sendTrailers(["grpc-status", "0"])
      ),
    ],
  ] as readonly (readonly [string, (stream: NonNullable<StreamNotes["stream"]>) => void])[]) {
    it(`take ${name} for a failure of the service`, async () => {
      const bench = new Bench();
      const { stream } = await bench.check();
      respond(stream!);
      await bench.carry();
      assert.deepEqual(bench.results, ["ACTIVE"]);
    });
  }

  it("take resets and lost connections for failures of the network", async () => {
    const reset = new Bench();
    (await reset.check()).stream!.reset(2);
    await reset.carry();
    assert.deepEqual(reset.results, ["NETWORK"]);
    const lost = new Bench();
    await lost.check();
    lost.connection.lost();
    assert.deepEqual(lost.results, ["NETWORK"]);
    const refused = new Bench();
    refused.probe.start();
    refused.connects[0]!.onConnectFailed({ kind: "connect-refused", detail: "" });
    assert.deepEqual(refused.results, ["NETWORK"]);
  });

  it("say nothing of a check that is given up", async () => {
    const bench = new Bench();
    await bench.check();
    bench.probe.abort();
    bench.connection.lost();
    assert.deepEqual(bench.results, []);
  });
});

it("a health answer is one message that says SERVING, with whatever fields behind it", () => {
  assert.equal(isServing(answer(1)), true);
  assert.equal(isServing(Buffer.from([0, 0, 0, 0, 5, 8, 1, 0x12, 1, 0x61])), true);
  for (const bad of [[], [0, 0, 0, 0, 0], [1, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 3, 8, 1], [0, 0, 0, 0, 1, 8], [0, 0, 0, 0, 2, 8, 3]])
    assert.equal(isServing(Buffer.from(bad)), false);
  assert.deepEqual([...healthCheckRequest("")], [0, 0, 0, 0, 0]);
});
