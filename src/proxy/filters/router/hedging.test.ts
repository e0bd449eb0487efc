import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Client, FakeHcm, RETRY } from "#proxy/http/hcm.fake";
import type { FakeHcmOptions } from "#proxy/http/hcm.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";

const answer = (status: number, lines: [string, string][] = []): PairResponseHeaderMap => new PairResponseHeaderMap(status, lines);

/** Whose control headers are obeyed. */
const INSIDE = { internalAddressConfig: { cidrRanges: [{ addressPrefix: "10.0.0.9" }] } };

function start(options: FakeHcmOptions): { hcm: FakeHcm; client: Client } {
  const hcm = new FakeHcm(options);
  const client = new Client();
  hcm.send(client, { method: "POST", body: "x" });
  return { hcm, client };
}

const hedged = (more: FakeHcmOptions["route"] = {}): FakeHcmOptions => ({
  hosts: 3,
  route: { timeoutMs: 1000, hedgeOnPerTryTimeout: true, retry: { ...RETRY, numRetries: 2, perTryTimeoutMs: 100 }, ...more },
});

describe("hedging", () => {
  it("tries again beside a try that takes too long, and takes the first good answer of both", () => {
    const { hcm, client } = start(hedged());
    hcm.clock.advance(110);
    hcm.clock.advance(50);
    assert.equal(hcm.tries.length, 2);
    assert.equal(hcm.tries[1]!.body, "x");
    hcm.tries[0]!.receiver.onResponseHeaders(answer(200), true);
    assert.equal(client.response!.status, 200);
    assert.deepEqual(hcm.leaks, []);
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_per_try_timeout"), 0, "no try has ended");
  });

  it("waits for the other try when one brings an answer that would be tried again", () => {
    const { hcm, client } = start(hedged({ retry: { ...RETRY, numRetries: 1, perTryTimeoutMs: 100 } }));
    hcm.clock.advance(110);
    hcm.clock.advance(50);
    hcm.tries[0]!.receiver.onResponseHeaders(answer(503), true);
    assert.equal(client.response, undefined);
    hcm.tries[1]!.receiver.onResponseReset("remote-reset", "");
    assert.equal(client.response!.status, 503);
    assert.deepEqual(hcm.leaks, []);
  });

  it("ends all tries with the time of the request", () => {
    const { hcm, client } = start(hedged({ timeoutMs: 300 }));
    for (let i = 0; i < 12; i++) hcm.clock.advance(30);
    assert.equal(client.response!.status, 504);
    assert.ok(hcm.stats.get("cluster.c.upstream_rq_timeout") >= 2);
    assert.deepEqual(hcm.leaks, []);
  });

  it("can be asked for, and forbidden, by header", () => {
    for (const [header, inRoute, tries] of [
      ["true", false, 2],
      ["false", true, 1],
    ] as const) {
      const hcm = new FakeHcm({
        ...hedged({ hedgeOnPerTryTimeout: inRoute, retry: { ...RETRY, retriableStatusCodes: new Set(), perTryTimeoutMs: 100 } }),
        hcm: INSIDE,
      });
      const headers: [string, string][] = [
        ["x-forwarded-for", "10.0.0.9"],
        ["x-envoy-hedge-on-per-try-timeout", header],
      ];
      hcm.send(new Client(), { headers });
      hcm.clock.advance(110);
      hcm.clock.advance(50);
      assert.equal(hcm.tries.length, tries);
    }
  });
});

describe("retries that wait as they are told", () => {
  it("wait for as long as the upstream says, and up to half as much again", () => {
    const resetInterval = (headers: PairResponseHeaderMap): number | undefined =>
      headers.get("retry-after") === undefined ? undefined : Number(headers.get("retry-after")) * 1000;
    const { hcm } = start({ route: { retry: { ...RETRY, resetInterval: (headers) => resetInterval(headers as PairResponseHeaderMap) } } });
    hcm.last.receiver.onResponseHeaders(answer(503, [["retry-after", "2"]]), true);
    hcm.clock.advance(1990);
    assert.equal(hcm.tries.length, 1);
    hcm.clock.advance(1100);
    assert.equal(hcm.tries.length, 2);
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry_backoff_ratelimited"), 1);
    hcm.last.receiver.onResponseHeaders(answer(503), true);
    hcm.clock.advance(100);
    assert.equal(hcm.tries.length, 3);
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_retry_backoff_exponential"), 1);
  });

  it("are not made where a request lacks the headers that make it fit for them", () => {
    const retriableRequestHeaders = [(headers: { has(name: string): boolean }): boolean => headers.has("idempotent")];
    for (const [headers, tries] of [
      [[], 1],
      [[["idempotent", "1"]], 2],
      [[["x-envoy-retry-on", "5xx"]], 1],
    ] as [[string, string][], number][]) {
      const hcm = new FakeHcm({ hcm: INSIDE, route: { retry: { ...RETRY, retriableRequestHeaders } } });
      hcm.send(new Client(), { headers: [["x-forwarded-for", "10.0.0.9"], ...headers] });
      hcm.last.receiver.onResponseHeaders(answer(503), true);
      hcm.clock.advance(100);
      assert.equal(hcm.tries.length, tries);
    }
  });

  it("leave out hosts that their metadata speaks against", () => {
    const omitsHost = (): boolean => true;
    const { hcm } = start({ hosts: 2, route: { retry: { ...RETRY, omitsTriedHosts: false, omitsHost, hostSelectionAttempts: 4 } } });
    hcm.last.receiver.onResponseHeaders(answer(503), true);
    hcm.clock.advance(100);
    assert.equal(hcm.tries.length, 2, "the last answer counts");
  });
});

describe("a try without progress", () => {
  it("ends by its idle timeout, before the answer and within it", () => {
    const retry = { ...RETRY, gatewayError: true, numRetries: 1, perTryIdleTimeoutMs: 100 };
    const { hcm, client } = start({ route: { retry, includeTimeoutRetryInRequest: true } });
    hcm.clock.advance(110);
    hcm.clock.advance(50);
    assert.equal(hcm.tries.length, 2);
    assert.equal(hcm.last.request!.get("x-envoy-is-timeout-retry"), "true");
    hcm.clock.advance(40);
    hcm.last.receiver.onResponseHeaders(answer(200), false);
    hcm.clock.advance(90);
    hcm.last.receiver.onResponseData(Buffer.from("a"), false);
    hcm.clock.advance(90);
    assert.equal(client.resetReason, undefined);
    hcm.clock.advance(20);
    assert.equal(client.resetReason, "local-reset");
    assert.equal(hcm.stats.get("cluster.c.upstream_rq_per_try_idle_timeout"), 2);
    assert.equal(hcm.logged[0]!.responseCodeDetails, "upstream_per_try_idle_timeout");
    assert.deepEqual(hcm.leaks, []);
  });

  it("has not begun while it waits for a connection", () => {
    const hcm = new FakeHcm({ connected: false, route: { retry: { ...RETRY, perTryTimeoutMs: 100 } } });
    const client = new Client();
    hcm.send(client);
    hcm.clock.advance(500);
    assert.equal(client.response, undefined);
    hcm.last.ready();
    hcm.clock.advance(110);
    assert.equal(client.response!.status, 504);
  });
});
