// The rules of the Gateway API: valid objects, and what is said of each mistake.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseFile } from "#api/parse-file";

function faults(kind: string, spec: unknown, version = "gateway.networking.k8s.io/v1"): readonly string[] {
  const text = JSON.stringify({ apiVersion: version, kind, metadata: { name: "a" }, spec });
  return parseFile(text, "a.json")
    .flatMap((document) => document.findings)
    .filter((finding) => finding.level === "error")
    .map((finding) => `${finding.field}: ${finding.message}`);
}

/** Each row: what is changed in a valid spec, and what must be said; undefined: it stays valid. */
type Row = readonly [change: Readonly<Record<string, unknown>>, said: RegExp | undefined];

function check(kind: string, base: Readonly<Record<string, unknown>>, rows: readonly Row[], version?: string): void {
  assert.deepEqual(faults(kind, base, version), []);
  for (const [change, said] of rows) {
    const found = faults(kind, { ...base, ...change }, version);
    if (said === undefined) assert.deepEqual(found, [], JSON.stringify(change));
    else assert.match(found.join("\n"), said, JSON.stringify(change));
  }
}

const http = { name: "http", port: 80, protocol: "HTTP" };
const certificate = { certificateRefs: [{ name: "cert" }] };

test("listeners have TLS, hosts and places that go with their protocol", () => {
  check("Gateway", { gatewayClassName: "istio", listeners: [http] }, [
    [{ listeners: [] }, /spec\.listeners: must not be empty/u],
    [{ listeners: [http, http] }, /the same name stands twice/u],
    [{ listeners: [http, { ...http, name: "b" }] }, /port 80, protocol HTTP and host \(any\) are those of listener http/u],
    [{ listeners: [http, { ...http, name: "b", hostname: "b.example.com" }] }, undefined],
    [{ listeners: [{ ...http, tls: {} }] }, /protocol HTTP has no TLS/u],
    [{ listeners: [{ ...http, protocol: "TLS" }] }, /protocol TLS needs tls/u],
    [{ listeners: [{ ...http, protocol: "TLS", tls: { mode: "Passthrough" } }] }, undefined],
    [{ listeners: [{ ...http, protocol: "HTTPS", tls: { mode: "Passthrough" } }] }, /its mode must be Terminate/u],
    [{ listeners: [{ ...http, protocol: "HTTPS", tls: {} }] }, /mode Terminate needs certificateRefs or options/u],
    [{ listeners: [{ ...http, protocol: "HTTPS", tls: certificate }] }, undefined],
    [{ listeners: [{ ...http, protocol: "HTTPS", tls: { options: { "example.com/a": "b" } } }] }, undefined],
    [{ listeners: [{ ...http, protocol: "TCP", hostname: "a.example.com" }] }, /protocol TCP has no hosts/u],
    [{ listeners: [{ ...http, port: 0 }] }, /must be between 1 and 65535, is 0/u],
    [{ listeners: [{ ...http, port: "80" }] }, /must be a whole number, is "80"/u],
    [{ listeners: [{ ...http, name: "A" }] }, /"A" must be lower-case letters/u],
    [{ listeners: [{ ...http, hostname: "*" }] }, /must be a host name/u],
    [{ listeners: [{ ...http, host_name: "a" }] }, /unknown field "host_name"/u],
    [{ gateway_class_name: "a" }, /unknown field "gateway_class_name"/u],
  ]);
});

test("addresses, labels and annotations of a Gateway are what they say", () => {
  check("Gateway", { gatewayClassName: "istio", listeners: [http] }, [
    [{ addresses: [{ value: "1.2.3.4" }, { value: "::1" }, { type: "Hostname", value: "*.example.com" }] }, undefined],
    [{ addresses: [{ value: "1.2.3" }] }, /"1\.2\.3" is no IP address/u],
    [{ addresses: [{ value: "1.2.3.4" }, { value: "1.2.3.4" }] }, /IPAddress 1\.2\.3\.4 stands twice/u],
    [{ addresses: [{ type: "Hostname", value: "A" }] }, /"A" is no host name/u],
    [{ addresses: [{ type: "IPAddress" }, { type: "IPAddress" }] }, undefined],
    [{ infrastructure: { labels: { "a.b/c": "d" } } }, undefined],
    [{ infrastructure: { labels: { "a b": "d" } } }, /"a b" is no name of a label or annotation/u],
    [{ infrastructure: { annotations: { [`${"a".repeat(253)}/b`]: "d" } } }, /is no name of a label or annotation/u],
  ]);
});

test("what the API server takes and a reader cannot use is a warning", () => {
  const selector = { matchExpressions: [{ key: "a", operator: "in" }] };
  const spec = { gatewayClassName: "a", listeners: [http], allowedListeners: { namespaces: { from: "Selector", selector } } };
  const text = JSON.stringify({ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", metadata: { name: "a" }, spec });
  const [document] = parseFile(text, "a.json");
  assert.ok(document?.object !== undefined);
  assert.match(document.findings.map((finding) => `${finding.level} ${finding.message}`).join("\n"), /warning must be In, NotIn/u);
});

const prefixRedirect = { type: "RequestRedirect", requestRedirect: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } } };
const backendRefs = [{ name: "a", port: 80 }];
const pathRows = (value: string): Record<string, unknown> => ({ rules: [{ matches: [{ path: { value } }] }] });

test("rules of an HTTPRoute have paths, filters and backends that go together", () => {
  const filters = (...list: readonly unknown[]): Record<string, unknown> => ({ rules: [{ filters: list }] });
  check("HTTPRoute", { parentRefs: [{ name: "gw" }], rules: [{ backendRefs }] }, [
    [{ rules: [] }, /spec\.rules: must not be empty/u],
    [{ rules: [{ name: "a" }, { name: "a" }] }, /"a" is the name of two rules/u],
    [
      { rules: [{ matches: Array.from({ length: 64 }, () => ({})) }, { matches: Array.from({ length: 64 }, () => ({})) }, {}] },
      /at most 128 matches/u,
    ],
    [pathRows("/a//b"), /must not contain \/\//u],
    [pathRows("/a/.."), /must not contain \/\.\./u],
    [pathRows("/%2F"), /must not contain %2F/u],
    [pathRows("a"), /must begin with \//u],
    [pathRows("/ä"), /characters that no path has/u],
    [{ rules: [{ matches: [{ path: { type: "RegularExpression", value: "a b" } }] }] }, undefined],
    [
      {
        rules: [
          {
            matches: [
              {
                headers: [
                  { name: "a", value: "b" },
                  { name: "a", value: "c" },
                ],
              },
            ],
          },
        ],
      },
      /the same name stands twice/u,
    ],
    [{ rules: [{ matches: [{ headers: [{ name: "a", value: " b" }] }] }] }, /must be printable/u],
    [{ rules: [{ matches: [{ method: "get" }] }] }, /must be one of GET/u],
    [{ rules: [{ backendRefs: [{ name: "a" }] }] }, /Service a needs a port/u],
    [{ rules: [{ backendRefs: [{ name: "a", group: "example.com", kind: "Bucket" }] }] }, undefined],
    [filters({ type: "URLRewrite" }), /type URLRewrite needs urlRewrite/u],
    [filters({ type: "URLRewrite", cors: {}, urlRewrite: {} }), /belongs to type CORS, the type is URLRewrite/u],
    [filters({ type: "CORS", cors: { allowOrigins: ["*", "https://a.b"] } }), /\* says any/u],
    [filters({ type: "CORS", cors: { allowOrigins: ["https://*.a.b:80"] } }), undefined],
    [filters(prefixRedirect, prefixRedirect), /RequestRedirect stands twice/u],
    [filters({ type: "RequestRedirect", requestRedirect: {} }, { type: "URLRewrite", urlRewrite: {} }), /cannot stand together/u],
    [filters({ type: "RequestRedirect", requestRedirect: { statusCode: 300 } }), /must be one of 301, 302, 303, 307, 308/u],
    [filters({ type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath" } } }), /needs replaceFullPath/u],
    [filters(prefixRedirect), undefined],
    [{ rules: [{ filters: [prefixRedirect], matches: [{}, {}] }] }, /needs exactly one match/u],
    [{ rules: [{ filters: [prefixRedirect], matches: [{ path: { type: "Exact", value: "/" } }] }] }, /of type PathPrefix/u],
    [{ rules: [{ filters: [prefixRedirect], backendRefs }] }, /cannot stand beside a RequestRedirect/u],
    [
      filters({ type: "RequestMirror", requestMirror: { backendRef: backendRefs[0], percent: 1, fraction: { numerator: 1 } } }),
      /beside percent/u,
    ],
    [filters({ type: "RequestMirror", requestMirror: { backendRef: backendRefs[0], fraction: { numerator: 101 } } }), /denominator 100/u],
    [filters({ type: "ExternalAuth", externalAuth: { protocol: "GRPC", backendRef: backendRefs[0] } }), /protocol GRPC needs grpc/u],
    [
      filters({ type: "ExternalAuth", externalAuth: { protocol: "GRPC", grpc: {}, http: {}, backendRef: backendRefs[0] } }),
      /belongs to protocol HTTP/u,
    ],
  ]);
});

test("times of an HTTPRoute are the Gateway API's durations", () => {
  const timeouts = (request: string, backendRequest: string): Record<string, unknown> => ({
    rules: [{ timeouts: { request, backendRequest } }],
  });
  check("HTTPRoute", {}, [
    [timeouts("1h30m", "10s"), undefined],
    [timeouts("0s", "10s"), undefined],
    [timeouts("1s", "1001ms"), /must not be longer than/u],
    [timeouts("1.5s", "1s"), /must be a duration/u],
    [{ rules: [{ sessionPersistence: { type: "Header", cookieConfig: {} } }] }, /is for type Cookie alone/u],
    [{ rules: [{ sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } }] }, /needs absoluteTimeout/u],
    [{ rules: [{ retry: { codes: [500, 500] } }] }, /500 stands twice/u],
  ]);
});

test("a route may name a parent twice only by its parts", () => {
  const parents = (...list: readonly unknown[]): Record<string, unknown> => ({ parentRefs: list });
  check("GRPCRoute", {}, [
    [parents({ name: "a" }, { name: "a" }), /named twice with the same/u],
    [parents({ name: "a" }, { name: "a", sectionName: "b" }), /every reference must name/u],
    [parents({ name: "a", sectionName: "c" }, { name: "a", sectionName: "b" }), undefined],
    [parents({ name: "a", port: 1 }, { name: "a", port: 2 }), undefined],
    [parents({ name: "a" }, { name: "a", kind: "Service", group: "" }), undefined],
    [{ rules: [{ matches: [{ method: {} }] }] }, /needs service, method or both/u],
    [{ rules: [{ matches: [{ method: { service: "a.B", method: "C" } }] }] }, undefined],
    [{ rules: [{ matches: [{ method: { service: "a-b" } }] }] }, /is no name of a gRPC service/u],
  ]);
});

test("connection routes have one rule in v1 and more before", () => {
  const rule = { backendRefs };
  check("TCPRoute", { rules: [rule] }, [[{ rules: [rule, rule] }, /at most 1 item/u]]);
  check("TCPRoute", { rules: [rule, rule] }, [], "gateway.networking.k8s.io/v1alpha2");
  check("TLSRoute", { hostnames: ["a.example.com"], rules: [rule] }, [
    [{ hostnames: ["1.2.3.4"] }, /an IP address is no server name/u],
    [{ hostnames: undefined }, /hostnames: is required/u],
  ]);
});

test("policies and grants name what they are for", () => {
  const target = { group: "", kind: "Service", name: "a" };
  check("BackendTLSPolicy", { targetRefs: [target], validation: { hostname: "a.b", wellKnownCACertificates: "System" } }, [
    [{ targetRefs: [target, target] }, /named twice with the same sectionName/u],
    [{ targetRefs: [target, { ...target, sectionName: "b" }] }, /every reference must name a sectionName/u],
    [{ validation: { hostname: "a.b" } }, /needs caCertificateRefs or wellKnownCACertificates/u],
    [
      { validation: { hostname: "a.b", wellKnownCACertificates: "System", subjectAltNames: [{ type: "URI", hostname: "a" }] } },
      /type URI needs uri/u,
    ],
  ]);
  check("ReferenceGrant", { from: [{ group: "", kind: "A", namespace: "b" }], to: [{ group: "", kind: "Secret" }] }, [
    [{ to: [] }, /spec\.to: must not be empty/u],
  ]);
  const experimental = "gateway.networking.x-k8s.io/v1alpha1";
  check(
    "XBackendTrafficPolicy",
    { targetRefs: [target] },
    [[{ retryConstraint: { budget: { interval: "2h" } } }, /between 1s and 1h/u]],
    experimental,
  );
  check(
    "XBackend",
    { type: "ExternalHostname", externalHostname: { hostname: "a.b" }, port: { number: 443 } },
    [
      [{ externalHostname: { hostname: "a.svc.cluster.local" } }, /is not outside of it/u],
      [{ protocol: "H2C", tls: { mode: "ClientAndServer" } }, /clientCertificateRef belongs to mode/u],
      [{ port: {} }, /must not be empty/u],
    ],
    experimental,
  );
});

test("no value of a limited field takes long to judge", () => {
  const hostile = fc.oneof(
    fc.string({ maxLength: 5_000 }),
    fc
      .tuple(fc.constantFrom("a", "a.", "a-", "a ", "1m", "%41", "*.", "a:"), fc.integer({ min: 1, max: 4_000 }))
      .map(([part, count]) => `${part.repeat(count)}\u0000`),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      faults("HTTPRoute", {
        hostnames: [value],
        rules: [
          {
            name: value,
            timeouts: { request: value },
            matches: [{ path: { value }, headers: [{ name: value, value }] }],
            filters: [{ type: "CORS", cors: { allowOrigins: [value] } }],
          },
        ],
      });
      faults("Gateway", {
        gatewayClassName: value,
        listeners: [{ ...http, protocol: value }],
        infrastructure: { labels: { [value]: value } },
      });
    }),
    { numRuns: 60, timeout: 2_000 },
  );
});
