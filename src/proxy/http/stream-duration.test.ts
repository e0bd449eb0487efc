import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MaxStreamDuration } from "#proxy/route/route";
import { Client, FakeHcm, outcome } from "./hcm.fake.ts";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "./pair-header-map.ts";
import { streamDurationMs } from "./stream-duration.ts";

const NONE: MaxStreamDuration = { maxMs: undefined, grpcMaxMs: undefined, grpcOffsetMs: 0 };
const duration = (config: Partial<MaxStreamDuration>, timeout?: string, otherwise = 0): [number, string | undefined] => {
  const headers = new PairRequestHeaderMap({ method: "POST", path: "/", authority: "a", scheme: "http" }, [
    ["content-type", "application/grpc"],
    ...(timeout === undefined ? [] : [["grpc-timeout", timeout] as const]),
  ]);
  return [streamDurationMs({ ...NONE, ...config }, headers, otherwise), headers.get("grpc-timeout")];
};

describe("how long a stream may last", () => {
  it("is what the route says, else the connection manager; 0 is for ever", () => {
    assert.deepEqual(duration({ maxMs: 500 }), [500, "500m"]);
    assert.deepEqual(duration({}, undefined, 700), [700, "700m"]);
    assert.deepEqual(duration({ maxMs: 0 }, undefined, 700), [0, undefined]);
  });

  it("is what a gRPC client asks for where the route allows it, up to its limit and less its offset", () => {
    assert.deepEqual(duration({ maxMs: 500 }, "2S"), [500, "500m"]);
    assert.deepEqual(duration({ maxMs: 500, grpcMaxMs: 0 }, "2S"), [2000, "2000m"]);
    assert.deepEqual(duration({ grpcMaxMs: 1000 }, "2S"), [1000, "1000m"]);
    assert.deepEqual(duration({ grpcMaxMs: 1000, grpcOffsetMs: 100 }, "200m"), [100, "100m"]);
    assert.equal(duration({ grpcMaxMs: 1000, grpcOffsetMs: 300 }, "200m")[0], 1);
  });

  it("ends streams with 504, those whose request has not come in full with 408, and those that are answered by a reset", () => {
    const commonHttpProtocolOptions = { maxStreamDuration: { seconds: 1n } };
    for (const [open, headersCame, expected] of [
      [false, false, "504 - max_duration_timeout"],
      [true, false, "408 - max_duration_timeout"],
      [false, true, "200 - max_duration_timeout"],
    ] as const) {
      const hcm = new FakeHcm({ hcm: { commonHttpProtocolOptions } });
      const client = new Client();
      hcm.send(client, { method: "POST", open });
      if (headersCame) hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
      hcm.clock.advance(1010);
      assert.equal(outcome(hcm.logged[0]), expected);
      assert.equal(hcm.stats.get("http.in.downstream_rq_max_duration_reached"), 1);
      assert.deepEqual(hcm.leaks, []);
    }
  });

  it("ends a gRPC call with DEADLINE_EXCEEDED", () => {
    const hcm = new FakeHcm({ hcm: { commonHttpProtocolOptions: { maxStreamDuration: { seconds: 1n } } } });
    const client = new Client();
    hcm.send(client, { method: "POST", headers: [["content-type", "application/grpc"]] });
    hcm.clock.advance(1010);
    assert.equal(client.response?.get("grpc-status"), "4");
  });

  it("is the route's once that is known", () => {
    const hcm = new FakeHcm({
      hcm: { commonHttpProtocolOptions: { maxStreamDuration: { seconds: 1n } } },
      route: { maxStreamDuration: { ...NONE, maxMs: 0 }, timeoutMs: 500 },
    });
    const client = new Client();
    hcm.send(client);
    hcm.clock.advance(5000);
    assert.equal(client.response, undefined, "it takes the place of the route's timeout, too");
  });
});
