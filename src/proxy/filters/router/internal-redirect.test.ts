import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Client, FakeHcm } from "#proxy/http/hcm.fake";
import type { FakeHcmOptions } from "#proxy/http/hcm.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import type { InternalRedirectPolicy } from "#proxy/route/internal-redirect-policy";

const POLICY: InternalRedirectPolicy = {
  maxRedirects: 1,
  statuses: new Set([302, 303]),
  crossScheme: false,
  newRoutesOnly: false,
  allowedRoutes: undefined,
  safeCrossScheme: false,
  headersToCopy: [],
};

const found = (location: string, status = 302, lines: [string, string][] = []): PairResponseHeaderMap =>
  new PairResponseHeaderMap(status, [["location", location], ...lines]);

function start(policy: Partial<InternalRedirectPolicy> = {}, options: FakeHcmOptions = {}): { hcm: FakeHcm; client: Client } {
  return {
    hcm: new FakeHcm({ ...options, route: { internalRedirect: { ...POLICY, ...policy }, ...options.route } }),
    client: new Client(),
  };
}

describe("internal redirects", () => {
  it("send the request to where the upstream says, body and all, and log both passes", () => {
    const { hcm, client } = start({ headersToCopy: ["x-token", "x-gone"] });
    hcm.send(client, { method: "POST", body: "hello", headers: [["x-gone", "1"]] });
    hcm.last.receiver.onResponseHeaders(found("http://other.test/there?a=b#c", 302, [["x-token", "t"]]), false);
    assert.equal(hcm.tries.length, 2);
    const { request } = hcm.last;
    assert.deepEqual(
      [request!.method, request!.authority, request!.path, request!.get("x-token"), request!.has("x-gone"), hcm.last.body],
      ["POST", "other.test", "/there?a=b", "t", false, "hello"],
    );
    assert.equal(request!.get("x-envoy-original-url"), "http://reviews:9080/reviews/0");
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), true);
    assert.equal(client.response!.status, 200);
    assert.deepEqual(
      hcm.logged.map(({ responseCode, responseCodeDetails }) => `${responseCode} ${responseCodeDetails}`),
      ["302 internal_redirect", "200 via_upstream"],
    );
    assert.equal(hcm.stats.get("cluster.c.upstream_internal_redirect_succeeded_total"), 1);
    assert.equal(hcm.stats.get("http.in.downstream_rq_total"), 2);
    assert.deepEqual(hcm.leaks, []);
  });

  it("come from http where there is no TLS, whatever :scheme was made to say", () => {
    const transformation = { case: "schemeToOverwrite", value: "https" } as const;
    const { hcm, client } = start({}, { hcm: { schemeHeaderTransformation: { transformation } } });
    hcm.send(client);
    assert.equal(hcm.last.request!.scheme, "https");
    hcm.last.receiver.onResponseHeaders(found("http://other.test/"), true);
    assert.equal(hcm.tries.length, 2);
    assert.equal(hcm.last.request!.get("x-envoy-original-url"), "http://reviews:9080/reviews/0");
  });

  it("make a GET without a body of what 303 answers", () => {
    const { hcm, client } = start();
    hcm.send(client, { method: "POST", body: "hello", headers: [["content-length", "5"]] });
    hcm.last.receiver.onResponseHeaders(found("http://other.test/", 303), true);
    assert.deepEqual([hcm.last.request!.method, hcm.last.body, hcm.last.request!.has("content-length")], ["GET", "", false]);
  });

  for (const [what, policy, location, stat] of [
    ["a place that is none", {}, "/relative", "passthrough_internal_redirect_bad_location"],
    ["another scheme", {}, "https://other.test/", "passthrough_internal_redirect_unsafe_scheme"],
    ["more than are allowed", { maxRedirects: 0 }, "http://other.test/", "passthrough_internal_redirect_too_many_redirects"],
    ["a route that is not on the list", { allowedRoutes: new Set(["x"]) }, "http://other.test/", "passthrough_internal_redirect_predicate"],
    ["HTTPS out of HTTP", { crossScheme: true, safeCrossScheme: true }, "https://other.test/", "passthrough_internal_redirect_predicate"],
  ] as const) {
    it(`go to the client where they lead to ${what}`, () => {
      const { hcm, client } = start(policy);
      hcm.send(client);
      hcm.last.receiver.onResponseHeaders(found(location), true);
      assert.equal(client.response!.status, 302);
      assert.equal(hcm.tries.length, 1);
      assert.equal(hcm.stats.get(`http.in.${stat}`), 1);
      assert.equal(hcm.stats.get("cluster.c.upstream_internal_redirect_failed_total"), 1);
      assert.equal(hcm.logged[0]!.requestHeaders!.authority, "reviews:9080");
    });
  }

  it("take no route twice where previous_routes forbids it, nor more redirects than allowed", () => {
    const { hcm, client } = start({ maxRedirects: 5, newRoutesOnly: true });
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(found("http://other.test/1"), true);
    hcm.last.receiver.onResponseHeaders(found("http://other.test/2"), true);
    assert.equal(client.response!.status, 302);
    assert.equal(hcm.tries.length, 2);
  });

  it("are not followed while the request still comes", () => {
    const { hcm, client } = start();
    hcm.send(client, { method: "POST", body: "a", open: true });
    hcm.last.receiver.onResponseHeaders(found("http://other.test/"), true);
    assert.equal(client.response!.status, 302);
  });

  it("end with their client", () => {
    const { hcm, client } = start();
    const stream = hcm.send(client);
    hcm.last.receiver.onResponseHeaders(found("http://other.test/"), true);
    stream.onRequestReset("remote-reset", "");
    assert.equal(hcm.logged.length, 2);
    assert.deepEqual(hcm.leaks, []);
  });
});
