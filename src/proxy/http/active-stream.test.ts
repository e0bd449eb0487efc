import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpConnectionManager_ServerHeaderTransformation } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { compileFormat, LOG_FORMAT } from "#proxy/format/format";
import type { HttpFilter, LocalReply } from "./filter.ts";
import type { ResponseHeaderMap } from "./header-map.ts";
import { Client, FakeHcm, outcome } from "./hcm.fake.ts";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "./pair-header-map.ts";

const DENIED: LocalReply = { kind: "local-reply", status: 403, body: "RBAC: access denied", flag: "UAEX", details: "rbac_access_denied" };

/** Lets promise callbacks run. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

/** A promise that the test settles. */
function pending(): { promise: Promise<LocalReply | undefined>; resolve: (reply?: LocalReply) => void; reject: (error: Error) => void } {
  let resolve: (reply?: LocalReply) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<LocalReply | undefined>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function finished(hcm: FakeHcm): string {
  assert.deepEqual(hcm.leaks, []);
  return outcome(hcm.logged[0]);
}

describe("the proxy's own answers", () => {
  it("are changed by the connection manager's mappers", () => {
    const comparison = { op: 0, value: { defaultValue: 403, runtimeKey: "x" } };
    const filter = { filterSpecifier: { case: "statusCodeFilter" as const, value: { comparison } } };
    const body = { specifier: { case: "inlineString" as const, value: "go away" } };
    const headersToAdd = [{ header: { key: "x-was", value: "%RESPONSE_CODE%" } }];
    const localReplyConfig = { mappers: [{ filter, statusCode: 451, body, headersToAdd }] };
    const hcm = new FakeHcm({ filters: [(): HttpFilter => ({ onRequestHeaders: () => DENIED })], hcm: { localReplyConfig } });
    const client = new Client();
    hcm.send(client);
    assert.equal(finished(hcm), "451 UAEX rbac_access_denied");
    assert.equal(client.response?.get("x-was"), "403");
  });

  it("have the type that the mapper gives with its body, else that of text", () => {
    const comparison = { op: 0, value: { defaultValue: 403, runtimeKey: "x" } };
    const filter = { filterSpecifier: { case: "statusCodeFilter" as const, value: { comparison } } };
    const body = { specifier: { case: "inlineString" as const, value: "{}" } };
    const typeOf = (headersToAdd: { header: { key: string; value: string } }[]): string | undefined => {
      const localReplyConfig = { mappers: [{ filter, body, headersToAdd }] };
      const client = new Client();
      new FakeHcm({ filters: [(): HttpFilter => ({ onRequestHeaders: () => DENIED })], hcm: { localReplyConfig } }).send(client);
      return client.response?.get("content-type");
    };
    assert.equal(typeOf([]), "text/plain");
    assert.equal(typeOf([{ header: { key: "content-type", value: "application/json" } }]), "application/json");
  });

  it("keep the type that the mapper puts beside the route's", () => {
    const comparison = { op: 0, value: { defaultValue: 503, runtimeKey: "x" } };
    const filter = { filterSpecifier: { case: "statusCodeFilter" as const, value: { comparison } } };
    const body = { specifier: { case: "inlineString" as const, value: "{}" } };
    const localReplyConfig = {
      mappers: [{ filter, body, headersToAdd: [{ header: { key: "content-type", value: "application/json" } }] }],
    };
    const finalizeResponse = (headers: ResponseHeaderMap): void => headers.set("content-type", "of-the-route");
    const client = new Client();
    new FakeHcm({ hosts: 0, hcm: { localReplyConfig }, route: { finalizeResponse } }).send(client);
    assert.equal(client.response?.getJoined("content-type"), "of-the-route,application/json");
  });
});

describe("the cluster of a stream", () => {
  it("is known to formats as soon as the route is", () => {
    const format = compileFormat("%UPSTREAM_CLUSTER%", LOG_FORMAT);
    const stream = new FakeHcm().open(new Client());
    assert.equal(format.format(stream.info), "-");
    stream.route();
    assert.equal(format.format(stream.info), "c");
  });
});

describe("what routes make of the proxy's own answers", () => {
  const filters = [(): HttpFilter => ({ onRequestHeaders: () => DENIED })];

  it("comes before their body is described: a type stays, and a length is the body's", () => {
    const seen: (string | undefined)[] = [];
    const finalizeResponse = (headers: ResponseHeaderMap): void => {
      seen.push(headers.get("content-type"), headers.get("content-length"));
      headers.set("content-length", "7");
    };
    const plain = new Client();
    new FakeHcm({ filters, route: { finalizeResponse } }).send(plain);
    assert.deepEqual(seen, [undefined, undefined]);
    assert.deepEqual([plain.response?.get("content-type"), plain.response?.get("content-length")], ["text/plain", "19"]);

    const typed = new Client();
    new FakeHcm({ filters, route: { finalizeResponse: (headers) => headers.set("content-type", "text/x") } }).send(typed);
    assert.equal(typed.response?.get("content-type"), "text/x");
  });

  it("sees the status that an answer has for HTTP, of gRPC too", () => {
    let status = 0;
    const finalizeResponse = (headers: ResponseHeaderMap): void => void ({ status } = headers);
    const client = new Client();
    const hcm = new FakeHcm({ filters, route: { finalizeResponse } });
    hcm.send(client, { method: "POST", headers: [["content-type", "application/grpc"]] });
    assert.deepEqual([status, client.response?.status, client.response?.get("grpc-status")], [403, 200, "7"]);
  });
});

describe("a stream's filters", () => {
  it("see the request in order, the response in reverse, and are destroyed last", () => {
    const calls: string[] = [];
    const filter = (name: string) => (): HttpFilter => ({
      onRequestHeaders: () => void calls.push(`${name} request`),
      onRequestData: () => void calls.push(`${name} request data`),
      onResponseHeaders: () => void calls.push(`${name} response`),
      onResponseData: () => void calls.push(`${name} response data`),
      onDestroy: () => void calls.push(`${name} destroyed`),
    });
    const hcm = new FakeHcm({ filters: [filter("a"), filter("b")] });
    hcm.send(new Client(), { method: "POST", body: "x" });
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    hcm.last.receiver.onResponseData(Buffer.from("y"), true);
    assert.deepEqual(calls, [
      "a request",
      "b request",
      "a request data",
      "b request data",
      "b response",
      "a response",
      "b response data",
      "a response data",
      "a destroyed",
      "b destroyed",
    ]);
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("may answer themselves: nothing goes upstream, all filters see the answer", () => {
    const seen: number[] = [];
    const hcm = new FakeHcm({
      filters: [() => ({ onResponseHeaders: ({ status }) => void seen.push(status) }), () => ({ onRequestHeaders: () => DENIED })],
    });
    const client = new Client();
    hcm.send(client);
    assert.equal(hcm.tries.length, 0);
    assert.equal(client.body, "RBAC: access denied");
    assert.deepEqual(seen, [403]);
    assert.equal(finished(hcm), "403 UAEX rbac_access_denied");
  });

  it("may replace the response by an answer of their own", () => {
    const hcm = new FakeHcm({ filters: [() => ({ onResponseHeaders: () => DENIED })] });
    const client = new Client();
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    assert.equal(client.response!.status, 403);
    assert.equal(hcm.last.resetReason, "local-reset");
    assert.equal(finished(hcm), "403 UAEX rbac_access_denied");
  });

  it("hold the request while they wait, and let it go on in order", async () => {
    const gate = pending();
    const hcm = new FakeHcm({ filters: [() => ({ onRequestHeaders: () => gate.promise })] });
    const client = new Client();
    const stream = hcm.send(client, { method: "POST", body: "one ", open: true });
    stream.onRequestData(Buffer.from("two"), true);
    assert.equal(hcm.tries.length, 0);
    assert.equal(client.paused, true);
    gate.resolve();
    await settle();
    assert.equal(client.paused, false);
    assert.equal(hcm.last.body, "one two");
    assert.equal(hcm.last.ended, true);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), true);
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("hold the response while they wait, and the upstream with it", async () => {
    const gate = pending();
    const hcm = new FakeHcm({ filters: [() => ({ onResponseHeaders: () => gate.promise })] });
    const client = new Client();
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    assert.equal(hcm.last.paused, true);
    hcm.last.receiver.onResponseData(Buffer.from("page"), true);
    assert.equal(client.response, undefined);
    gate.resolve();
    await settle();
    assert.equal(client.body, "page");
    assert.equal(finished(hcm), "200 - via_upstream");
  });

  it("slow down with the client too, not only the router", () => {
    const hcm = new FakeHcm({ filters: [() => ({ onResponseData: () => undefined })] });
    const client = new Client();
    const stream = hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    client.writable = false;
    hcm.last.receiver.onResponseData(Buffer.from("x"), false);
    assert.equal(hcm.last.paused, true);
    stream.onResponseDrain();
    assert.equal(hcm.last.paused, false);
  });

  it("that wait hold 1 MiB of body at most: 413 after that", () => {
    const hcm = new FakeHcm({ filters: [() => ({ onRequestHeaders: () => pending().promise })] });
    const client = new Client();
    const stream = hcm.send(client, { method: "POST", body: "x", open: true });
    for (let i = 0; i < 3; i++) stream.onRequestData(Buffer.alloc(400_000), false);
    assert.equal(client.body, "Payload Too Large");
    assert.equal(finished(hcm), "413 - request_payload_too_large");
    assert.equal(hcm.stats.get("http.in.downstream_rq_too_large"), 1);
  });

  it("are not asked again when the client left while they waited", async () => {
    const gate = pending();
    let asked = 0;
    const hcm = new FakeHcm({
      filters: [() => ({ onRequestHeaders: () => gate.promise }), () => ({ onRequestHeaders: () => void asked++ })],
    });
    const stream = hcm.send(new Client());
    stream.onRequestReset("remote-reset", "downstream_remote_disconnect");
    gate.resolve();
    await settle();
    assert.equal(asked, 0);
    assert.equal(finished(hcm), "0 DC downstream_remote_disconnect");
  });

  it("that throw or reject cost their own stream only: 500", async () => {
    for (const filter of [
      { onRequestHeaders: (): undefined => assert.fail("broken") },
      { onRequestHeaders: () => Promise.reject<undefined>(new Error("broken")) },
    ] satisfies HttpFilter[]) {
      const hcm = new FakeHcm({ filters: [() => filter] });
      const client = new Client();
      hcm.send(client);
      await settle();
      assert.equal(client.response!.status, 500);
      assert.equal(finished(hcm), "500 - internal_error");
      assert.equal(hcm.stats.get("http.in.downstream_rq_internal_error"), 1);
    }
  });

  it("see no local reply while one of them holds the response: it goes out at once", async () => {
    const gate = pending();
    const hcm = new FakeHcm({ route: { timeoutMs: 100 }, filters: [() => ({ onResponseHeaders: () => gate.promise })] });
    const client = new Client();
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    hcm.clock.advance(110);
    assert.equal(client.response!.status, 504);
    gate.resolve();
    await settle();
    assert.equal(finished(hcm), "504 UT response_timeout");
  });
});

describe("a stream's own checks and clocks", () => {
  const idle = { streamIdleTimeout: { seconds: 1n } };

  it("answers 504 when the upstream is silent too long, 408 when the client is", () => {
    const upstream = new FakeHcm({ hcm: idle });
    upstream.send(new Client());
    upstream.clock.advance(1010);
    assert.equal(finished(upstream), "504 SI stream_idle_timeout");
    assert.equal(upstream.stats.get("http.in.downstream_rq_idle_timeout"), 1);
    const client = new FakeHcm({ hcm: idle });
    const stream = client.send(new Client(), { method: "POST", body: "x", open: true });
    client.clock.advance(900);
    stream.onRequestData(Buffer.from("y"), false);
    client.clock.advance(900);
    assert.equal(client.logged.length, 0, "every byte starts the time anew");
    client.clock.advance(110);
    assert.equal(finished(client), "408 SI stream_idle_timeout");
  });

  it("resets an idle stream whose response has begun", () => {
    const hcm = new FakeHcm({ hcm: idle });
    const client = new Client();
    hcm.send(client);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
    hcm.clock.advance(1010);
    assert.equal(client.resetReason, "local-reset");
    assert.equal(finished(hcm), "200 SI stream_idle_timeout");
  });

  it("takes the route's idle timeout over its own", () => {
    const hcm = new FakeHcm({ hcm: idle, route: { idleTimeoutMs: 0 } });
    const stream = hcm.send(new Client());
    hcm.clock.advance(100_000);
    assert.equal(hcm.logged.length, 0);
    stream.onRequestReset("remote-reset", "downstream_remote_disconnect");
  });

  it("answers 408 when the request does not come in time", () => {
    const hcm = new FakeHcm({ hcm: { requestTimeout: { seconds: 2n } } });
    const client = new Client();
    hcm.send(client, { method: "POST", body: "x", open: true });
    hcm.clock.advance(2010);
    assert.equal(client.body, "request timeout");
    assert.equal(finished(hcm), "408 - request_overall_timeout");
  });

  for (const [what, path, authority, expected] of [
    ["a path that is not one", "*", "a", "404 - absolute_path_rejected"],
    ["a request without a host", "/", "", "400 - missing_host_header"],
    ["a path that cannot be normalized", "/a%00", "a", "400 - path_normalization_failed"],
  ] as const) {
    it(`refuses ${what}: ${expected}`, () => {
      const hcm = new FakeHcm({ hcm: { normalizePath: true } });
      const client = new Client();
      hcm.open(client).onRequestHeaders(new PairRequestHeaderMap({ method: "GET", path, authority, scheme: "http" }), true);
      assert.equal(finished(hcm), expected);
      assert.equal(hcm.tries.length, 0);
      assert.equal(client.closes, true, "the connection closes after the answer");
    });
  }

  it("normalizes the path before anything matches on it, and logs the one that came", () => {
    const hcm = new FakeHcm({ hcm: { normalizePath: true } });
    hcm.send(new Client(), { path: "/a/../b#c" });
    assert.equal(hcm.last.request!.path, "/b");
    assert.equal(hcm.runtime.stats.rqActive.value, 1);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), true);
    assert.equal(hcm.logged[0]!.originalPath, "/a/../b#c");
  });

  it("leaves the upstream's server header alone where that is asked for", () => {
    const hcm = new FakeHcm({
      hcm: {
        serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
        alwaysSetRequestIdInResponse: true,
      },
    });
    const client = new Client();
    hcm.send(client, { headers: [["x-request-id", "id-1"]] });
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200, [["server", "nginx"]]), true);
    assert.equal(client.response!.get("server"), "nginx");
    assert.equal(client.response!.get("x-request-id"), "id-1");
  });
});
