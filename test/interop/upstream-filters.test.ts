// HTTP filters between the router and the host, of a cluster and of the router: what the back end is told in each try, what comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { CLUSTER, named, router, seenBy, typed } from "./side-by-side.ts";
import type { SideBySide } from "./side-by-side.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const codec = named("filters.http.upstream_codec.v3.UpstreamCodec");
const mutation = (side: "request" | "response", ...edits: readonly (readonly [key: string, value: string])[]): JsonObject => ({
  [`${side}Mutations`]: edits.map(([key, value]) => ({ append: { header: { key, value }, appendAction: "APPEND_IF_EXISTS_OR_ADD" } })),
});
const headerMutation = (...sides: JsonObject[]): JsonObject =>
  named("filters.http.header_mutation.v3.HeaderMutation", { mutations: Object.assign({}, ...sides) as JsonObject }, "edit");
const buffer = (maxRequestBytes: number): JsonObject => named("filters.http.buffer.v3.Buffer", { maxRequestBytes }, "buffer");
const ofCluster = (...filters: JsonObject[]): JsonObject => ({
  typedExtensionProtocolOptions: {
    [HTTP_OPTIONS]: typed("upstreams.http.v3.HttpProtocolOptions", {
      explicitHttpConfig: { httpProtocolOptions: {} },
      httpFilters: [...filters, codec],
    }),
  },
});
const ofRouter = (...filters: JsonObject[]): JsonObject => ({ httpFilters: [router({ upstreamHttpFilters: [...filters, codec] })] });

const both = headerMutation(
  mutation("request", ["x-up", "%REQ(:path)%"], ["x-host", "%UPSTREAM_CLUSTER%"]),
  mutation("response", ["x-down", "%RESPONSE_CODE%"]),
);
const retried = {
  match: { prefix: "/" },
  route: { cluster: CLUSTER, retryPolicy: { retryOn: "5xx", numRetries: 2, retryBackOff: { baseInterval: "0.02s" } } },
};
const unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const long = "x".repeat(300);

const CASES: Readonly<Record<string, Omit<SideBySide, "headers" | "stats">>> = {
  "a cluster's edit both ways": { proxy: { cluster: ofCluster(both) }, asks: [{}, { method: "POST", body: "hello" }] },
  "a router's edit both ways": { proxy: { manager: ofRouter(both) }, asks: [{}, { method: "POST", body: "hello" }] },
  "a cluster's list takes the place of the router's": {
    proxy: { manager: ofRouter(both), cluster: ofCluster(headerMutation(mutation("request", ["x-up", "cluster"]))) },
    asks: [{}],
  },
  "even an empty one": { proxy: { manager: ofRouter(both), cluster: ofCluster() }, asks: [{}] },
  "each try adds to the same headers": {
    proxy: {
      cluster: ofCluster(headerMutation(mutation("request", ["x-up", "a"]), mutation("response", ["x-down", "b"]))),
      routes: [retried],
    },
    asks: [{}, { method: "POST", body: "again" }],
    backend: () => unavailable,
  },
  "a route says more, and switches off": {
    proxy: {
      cluster: ofCluster(headerMutation(mutation("request", ["x-up", "filter"]))),
      routes: [
        {
          match: { prefix: "/more" },
          route: { cluster: CLUSTER },
          typedPerFilterConfig: {
            edit: typed("filters.http.header_mutation.v3.HeaderMutationPerRoute", { mutations: mutation("request", ["x-up", "route"]) }),
          },
        },
        {
          match: { prefix: "/" },
          route: { cluster: CLUSTER },
          typedPerFilterConfig: { edit: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true } },
        },
      ],
    },
    asks: [{ path: "/more" }, { path: "/off" }],
  },
  "a body is held until it is whole": {
    proxy: { cluster: ofCluster(buffer(1000), both) },
    asks: [{ method: "POST", body: "hello", headers: { "transfer-encoding": "chunked" } }, {}],
  },
  "a body that is too long for it": {
    proxy: { cluster: ofCluster(both, buffer(200)), routes: [retried] },
    asks: [{ method: "POST", body: long, headers: { "transfer-encoding": "chunked" } }],
  },
  "answers of the proxy itself are not edited": {
    proxy: { cluster: ofCluster(both), endpoints: [] },
    asks: [{}],
  },
};

for (const [what, scene] of Object.entries(CASES)) {
  test(`upstream filters work as Envoy's: ${what}`, async () => {
    const whole: SideBySide = {
      ...scene,
      headers: /^(x-up|x-down|x-host|content-length|transfer-encoding)$/,
      stats: /local\.upstream_rq_(\d+|retry|total|completed)$/,
    };
    const [envoy, ours] = await Promise.all([seenBy("envoy", whole), seenBy("mizzen", whole)]);
    assert.deepEqual(ours, envoy);
  });
}
