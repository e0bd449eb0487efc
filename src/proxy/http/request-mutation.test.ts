import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "#runtime/random";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import { lastAddress } from "./forwarded-for.ts";
import { detectByForwardedFor } from "./original-ip-detection.ts";
import { mutateRequestHeaders } from "./request-mutation.ts";
import type { ClientIdentity, RequestMutationOptions } from "./request-mutation.ts";

const PEER = { address: "192.0.2.1", port: 1234 };
const LOCAL = { address: "127.0.0.1", port: 8080 };
const DEFAULTS: RequestMutationOptions = {
  useRemoteAddress: false,
  xffNumTrustedHops: 0,
  skipXffAppend: false,
  appendXForwardedPort: false,
  generateRequestId: true,
  preserveExternalRequestId: false,
  packsTraceReason: true,
  detectClient: detectByForwardedFor(0),
  schemeToOverwrite: undefined,
  forwardClientCert: (headers) => headers.remove("x-forwarded-client-cert"),
  via: "",
  isInternalAddress: (address) => address.startsWith("10."),
};

function mutate(
  headers: Record<string, string>,
  options: Partial<RequestMutationOptions>,
  scheme?: string,
): { headers: PairRequestHeaderMap; client: ClientIdentity } {
  const map = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: scheme ?? "http" }, Object.entries(headers));
  const client = mutateRequestHeaders(
    map,
    scheme === undefined ? "HTTP/1.1" : "HTTP/2",
    PEER,
    LOCAL,
    undefined,
    { ...DEFAULTS, detectClient: detectByForwardedFor(options.xffNumTrustedHops ?? 0), ...options },
    seededRandom(1),
  );
  return { headers: map, client };
}

describe("request header mutation", () => {
  it("believes the scheme of a client of HTTP/2, where it is one of HTTP", () => {
    assert.equal(mutate({}, {}, "https").headers.scheme, "https");
    assert.equal(mutate({ "x-forwarded-proto": "http" }, {}, "https").headers.scheme, "https");
    assert.equal(mutate({}, {}, "ftp").headers.scheme, "http");
    assert.equal(mutate({}, { schemeToOverwrite: "http" }, "https").headers.scheme, "http");
  });

  it("says its port where nobody has, also of clients that it does not know", () => {
    const options = { appendXForwardedPort: true };
    assert.equal(mutate({}, options).headers.get("x-forwarded-port"), String(LOCAL.port));
    assert.equal(mutate({ "x-forwarded-port": "444" }, options).headers.get("x-forwarded-port"), "444");
  });

  it("adds via behind what others said there", () => {
    assert.equal(mutate({}, { via: "1.1 mizzen" }).headers.get("via"), "1.1 mizzen");
    assert.equal(mutate({ via: "1.0 a" }, { via: "1.1 mizzen" }).headers.get("via"), "1.0 a, 1.1 mizzen");
    assert.equal(mutate({ via: "1.0 a" }, {}).headers.get("via"), "1.0 a");
  });

  it("takes a referer that is none", () => {
    assert.equal(mutate({ referer: "http://a.example/page" }, {}).headers.get("referer"), "http://a.example/page");
    assert.equal(mutate({ referer: "http://user@a.example/" }, {}).headers.get("referer"), undefined);
  });

  it("has no address to tell of who comes through a pipe", () => {
    const pipe = { address: "/run/x", port: 0 };
    const map = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http" }, [["x-forwarded-for", "10.0.0.1"]]);
    const options = { ...DEFAULTS, useRemoteAddress: true, appendXForwardedPort: true };
    mutateRequestHeaders(map, "HTTP/1.1", pipe, pipe, undefined, options, seededRandom(1));
    const names = ["x-forwarded-for", "x-forwarded-port", "x-envoy-external-address"];
    assert.deepEqual(
      names.map((name) => map.get(name)),
      ["10.0.0.1", undefined, undefined],
    );
  });

  it("at the edge: appends the peer, says who is outside, takes our own control headers and client certificates away", () => {
    const { headers, client } = mutate(
      {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "https",
        "x-envoy-internal": "true",
        "x-envoy-retry-on": "5xx",
        "x-envoy-original-path": "/forged",
        "x-envoy-decorator-operation": "x",
        "x-forwarded-client-cert": "forged",
        "x-request-id": "mine",
      },
      { useRemoteAddress: true },
    );
    assert.equal(headers.get("x-forwarded-for"), "10.0.0.1,192.0.2.1");
    assert.equal(headers.get("x-forwarded-proto"), "http");
    assert.equal(headers.get("x-envoy-external-address"), "192.0.2.1");
    for (const gone of ["x-envoy-internal", "x-envoy-retry-on", "x-envoy-decorator-operation", "x-forwarded-client-cert"]) {
      assert.equal(headers.has(gone), false, gone);
    }
    assert.notEqual(headers.get("x-request-id"), "mine", "an outsider's request id is replaced");
    assert.deepEqual(client, { remote: PEER, internal: false });
  });

  it("keeps an outsider's request id where that is asked for", () => {
    const { headers } = mutate({ "x-request-id": "mine" }, { useRemoteAddress: true, preserveExternalRequestId: true });
    assert.equal(headers.get("x-request-id"), "mine");
  });

  it("does not believe what a kept id of an outsider says of tracing", () => {
    const kept = (options: Partial<RequestMutationOptions>): string | undefined =>
      mutate({ "x-request-id": "01234567-89ab-adef-8123-456789abcdef" }, { preserveExternalRequestId: true, ...options }).headers.get(
        "x-request-id",
      );
    assert.equal(kept({ useRemoteAddress: true }), "01234567-89ab-4def-8123-456789abcdef");
    assert.equal(kept({ useRemoteAddress: true, packsTraceReason: false }), "01234567-89ab-adef-8123-456789abcdef");
    assert.equal(kept({}), "01234567-89ab-adef-8123-456789abcdef");
  });

  it("with trusted hops takes the client from the right place of the list", () => {
    const { headers, client } = mutate(
      { "x-forwarded-for": "56.5.6.7, 72.9.5.6, 98.1.2.3" },
      { useRemoteAddress: true, xffNumTrustedHops: 2 },
    );
    assert.equal(client.remote.address, "72.9.5.6");
    assert.equal(headers.get("x-envoy-external-address"), "72.9.5.6");
    assert.equal(headers.get("x-forwarded-for"), "56.5.6.7, 72.9.5.6, 98.1.2.3,192.0.2.1");
  });

  it("inside the mesh: a single internal address makes the request internal, and ids stay", () => {
    const { headers, client } = mutate({ "x-forwarded-for": "10.1.2.3", "x-request-id": "mine", "x-envoy-retry-on": "5xx" }, {});
    assert.equal(client.internal, true);
    assert.equal(headers.get("x-envoy-internal"), "true");
    assert.equal(headers.get("x-request-id"), "mine");
    assert.equal(headers.get("x-envoy-retry-on"), "5xx");
    assert.equal(mutate({ "x-forwarded-for": "10.1.2.3,10.1.2.4" }, {}).client.internal, false);
    assert.equal(mutate({}, {}).client.internal, false);
    assert.equal(mutate({ "x-forwarded-for": "10.1.2.3" }, { isInternalAddress: undefined }).client.internal, false);
  });

  it("believes an address only when it is one", () => {
    assert.equal(lastAddress("1.2.3.4, nonsense", 0), undefined);
    assert.equal(lastAddress("1.2.3.4, nonsense", 1)?.address, "1.2.3.4");
    assert.equal(lastAddress("1.2.3.4", 1), undefined);
    assert.equal(lastAddress("::1", 0)?.address, "::1");
    assert.equal(lastAddress(undefined, 0), undefined);
    assert.equal(lastAddress("", 0), undefined);
    assert.equal(lastAddress(",", 1), undefined);
  });
});
