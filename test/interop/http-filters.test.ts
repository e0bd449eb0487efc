// The same HTTP filters, requests and back end behind a real Envoy and behind our proxy: what the client gets, what the back end is told,
// what the access log and the filters' statistics say must be the same.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";

const V3 = "type.googleapis.com/envoy.extensions";
const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const ALWAYS = { defaultValue: { numerator: 100 } };

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Several: chunked. */
  readonly body?: string | Buffer | readonly string[];
}

interface Scenario {
  readonly what: string;
  /** By the short name of the filter, in their order. */
  readonly filters: Readonly<Record<string, JsonObject>>;
  /** Before the connection manager, by short name. */
  readonly networkFilters?: Readonly<Record<string, JsonObject>>;
  /** More fields of filters in the connection manager's list. */
  readonly entries?: Readonly<Record<string, JsonObject>>;
  /** typed_per_filter_config of /route; short names. */
  readonly route?: Readonly<Record<string, JsonObject>>;
  /** typed_per_filter_config of the virtual host. */
  readonly hostConfig?: Readonly<Record<string, JsonObject>>;
  readonly rateLimits?: readonly JsonObject[];
  readonly requestHeadersToAdd?: readonly JsonObject[];
  readonly asks: readonly Ask[];
  readonly stats: RegExp;
  /** Of the asks; undefined: all. */
  readonly logged?: number;
  /** Of admin pages, before the asks. */
  readonly posts?: readonly string[];
}

const typed = (type: string, json: JsonObject): JsonObject => ({ "@type": `${V3}.${type}`, ...json });
const gzipLibrary = { name: "text", typedConfig: typed("compression.gzip.compressor.v3.Gzip", {}) };
const brotliLibrary = { name: "text", typedConfig: typed("compression.brotli.compressor.v3.Brotli", {}) };
const zstdLibrary = { name: "text", typedConfig: typed("compression.zstd.compressor.v3.Zstd", {}) };
const gunzipLibrary = { name: "text", typedConfig: typed("compression.gzip.decompressor.v3.Gzip", {}) };
const append = (key: string, value: string, appendAction = "OVERWRITE_IF_EXISTS_OR_ADD"): JsonObject => ({
  append: { header: { key, value }, appendAction },
});
const bucket = (maxTokens: number): JsonObject => ({ maxTokens, tokensPerFill: 1, fillInterval: "1000s" });
const text = "a text that is worth compressing, ".repeat(20);

const SCENARIOS: readonly Scenario[] = [
  {
    what: "local_ratelimit by request",
    filters: {
      local_ratelimit: typed("filters.http.local_ratelimit.v3.LocalRateLimit", {
        statPrefix: "rl",
        tokenBucket: bucket(2),
        filterEnabled: ALWAYS,
        filterEnforced: ALWAYS,
        enableXRatelimitHeaders: "DRAFT_VERSION_03",
        responseHeadersToAdd: [{ header: { key: "x-limited", value: "yes" } }],
        status: { code: "ServiceUnavailable" },
      }),
    },
    asks: [{}, {}, {}, { headers: { "content-type": "application/grpc" } }],
    stats: /http_local_rate_limit/,
  },
  {
    what: "local_ratelimit by descriptors of the route",
    filters: {
      local_ratelimit: typed("filters.http.local_ratelimit.v3.LocalRateLimit", {
        statPrefix: "rl",
        tokenBucket: bucket(100),
        filterEnabled: ALWAYS,
        filterEnforced: ALWAYS,
        enableXRatelimitHeaders: "DRAFT_VERSION_03",
        descriptors: [
          { entries: [{ key: "user", value: "jason" }], tokenBucket: bucket(1) },
          {
            entries: [
              { key: "header_match", value: "beta" },
              { key: "destination_cluster", value: CLUSTER },
            ],
            tokenBucket: bucket(2),
          },
          {
            entries: [
              { key: "remote_address", value: "127.0.0.1" },
              { key: "q", value: "on" },
            ],
            tokenBucket: bucket(1),
          },
        ],
      }),
    },
    rateLimits: [
      { actions: [{ requestHeaders: { headerName: "x-user", descriptorKey: "user" } }] },
      {
        actions: [
          { headerValueMatch: { descriptorValue: "beta", headers: [{ name: "x-beta", presentMatch: true }] } },
          { destinationCluster: {} },
        ],
      },
      {
        actions: [
          { remoteAddress: {} },
          { queryParameterValueMatch: { descriptorKey: "q", descriptorValue: "on", queryParameters: [{ name: "q", presentMatch: true }] } },
        ],
      },
    ],
    asks: [
      {},
      { headers: { "x-user": "anna" } },
      { headers: { "x-user": "jason" } },
      { headers: { "x-user": "jason" } },
      { headers: { "x-beta": "1" } },
      { headers: { "x-beta": "1", "x-user": "jason" } },
      { path: "/?q=1" },
      { path: "/?q=1" },
    ],
    stats: /http_local_rate_limit/,
  },
  {
    what: "local_ratelimit of a route that is counted and not enforced",
    filters: { local_ratelimit: typed("filters.http.local_ratelimit.v3.LocalRateLimit", { statPrefix: "rl" }) },
    route: {
      local_ratelimit: typed("filters.http.local_ratelimit.v3.LocalRateLimit", {
        statPrefix: "route_rl",
        tokenBucket: bucket(1),
        filterEnabled: ALWAYS,
        requestHeadersToAddWhenNotEnforced: [{ header: { key: "x-over", value: "%REQ(:path)%" } }],
      }),
    },
    asks: [{ path: "/route" }, { path: "/route" }, {}],
    stats: /http_local_rate_limit/,
  },
  {
    what: "header_mutation on every level",
    filters: {
      header_mutation: typed("filters.http.header_mutation.v3.HeaderMutation", {
        mutations: {
          requestMutations: [append("x-a", "filter"), { remove: "x-gone" }, append("x-c", "%REQ(x-b)%", "APPEND_IF_EXISTS_OR_ADD")],
          responseMutations: [append("x-d", "%RESPONSE_CODE%"), append("x-e", "filter"), { remove: "x-backend" }],
        },
      }),
    },
    route: {
      header_mutation: typed("filters.http.header_mutation.v3.HeaderMutationPerRoute", {
        mutations: { requestMutations: [append("x-a", "route")], responseMutations: [append("x-e", "route", "ADD_IF_ABSENT")] },
      }),
    },
    asks: [{ headers: { "x-gone": "1", "x-b": "b", "x-c": "c" } }, { path: "/route", headers: { "x-b": "2" } }],
    stats: /never/,
  },
  {
    what: "buffer",
    filters: { buffer: typed("filters.http.buffer.v3.Buffer", { maxRequestBytes: 10 }) },
    route: { buffer: typed("filters.http.buffer.v3.BufferPerRoute", { buffer: { maxRequestBytes: 20 } }) },
    asks: [
      {},
      { method: "POST", body: "1234567890" },
      { method: "POST", body: ["12345", "678"] },
      { method: "POST", body: "12345678901" },
      { method: "POST", path: "/route", body: "12345678901" },
    ],
    stats: /downstream_rq_too_large/,
  },
  {
    what: "health_check without pass-through",
    filters: {
      health_check: typed("filters.http.health_check.v3.HealthCheck", {
        passThroughMode: false,
        headers: [{ name: ":path", stringMatch: { exact: "/healthz" } }],
        clusterMinHealthyPercentages: { [CLUSTER]: { value: 50 } },
      }),
    },
    asks: [{ path: "/healthz" }, { path: "/other" }, { path: "/healthz", method: "POST", body: "x" }],
    stats: /never/,
  },
  {
    what: "health_check of a proxy that was failed",
    filters: {
      health_check: typed("filters.http.health_check.v3.HealthCheck", {
        passThroughMode: true,
        cacheTime: "100s",
        headers: [{ name: ":path", stringMatch: { exact: "/healthz" } }],
      }),
    },
    posts: ["/healthcheck/fail", "/healthcheck/ok", "/healthcheck/fail"],
    asks: [{ path: "/healthz" }],
    stats: /never/,
  },
  {
    what: "health_check that remembers",
    filters: {
      health_check: typed("filters.http.health_check.v3.HealthCheck", {
        passThroughMode: true,
        cacheTime: "100s",
        headers: [{ name: ":path", stringMatch: { prefix: "/e503" } }],
      }),
    },
    asks: [{ path: "/e503" }, { path: "/e503" }, {}],
    stats: /never/,
  },
  {
    what: "csrf",
    filters: {
      csrf: typed("filters.http.csrf.v3.CsrfPolicy", {
        filterEnabled: ALWAYS,
        additionalOrigins: [{ exact: "other.example" }],
      }),
    },
    route: { csrf: typed("filters.http.csrf.v3.CsrfPolicy", { filterEnabled: { defaultValue: {} }, shadowEnabled: ALWAYS }) },
    asks: [
      { method: "POST", headers: { host: "site.example", origin: "http://site.example" } },
      { method: "POST", headers: { host: "site.example", origin: "http://evil.example" } },
      { method: "PUT", headers: { host: "site.example", referer: "https://other.example/page" } },
      { method: "DELETE", headers: { host: "site.example" } },
      { method: "PATCH", headers: { host: "site.example", origin: "null", referer: "http://site.example/" } },
      { method: "POST", headers: { host: "site.example:80", origin: "http://site.example" } },
      { headers: { host: "site.example", origin: "http://evil.example" } },
      { method: "POST", path: "/route", headers: { host: "site.example", origin: "http://evil.example" } },
    ],
    stats: /\.csrf\./,
  },
  {
    what: "cors on several levels",
    filters: { cors: typed("filters.http.cors.v3.Cors", {}) },
    hostConfig: {
      cors: typed("filters.http.cors.v3.CorsPolicy", {
        allowOriginStringMatch: [{ exact: "http://ok.example" }],
        allowMethods: "GET,POST",
        allowHeaders: "x-a",
        exposeHeaders: "x-b",
        maxAge: "60",
        allowCredentials: true,
      }),
    },
    route: { cors: typed("filters.http.cors.v3.CorsPolicy", { allowMethods: "PUT", allowCredentials: false }) },
    asks: ["/", "/route"].flatMap((path) => [
      { path, headers: { origin: "http://ok.example" } },
      { path, headers: { origin: "http://evil.example" } },
      { path, method: "OPTIONS", headers: { origin: "http://ok.example", "access-control-request-method": "GET" } },
    ]),
    stats: /\.cors\./,
  },
  {
    what: "compressor of responses",
    filters: {
      compressor_gzip: typed("filters.http.compressor.v3.Compressor", { compressorLibrary: gzipLibrary, responseDirectionConfig: {} }),
      compressor_br: typed("filters.http.compressor.v3.Compressor", { compressorLibrary: brotliLibrary, responseDirectionConfig: {} }),
      compressor_zstd: typed("filters.http.compressor.v3.Compressor", {
        compressorLibrary: zstdLibrary,
        responseDirectionConfig: { disableOnEtagHeader: true, removeAcceptEncodingHeader: true },
      }),
    },
    route: { compressor_gzip: typed("filters.http.compressor.v3.CompressorPerRoute", { disabled: true }) },
    asks: [
      { path: "/text", headers: { "accept-encoding": "gzip" } },
      { path: "/text", headers: { "accept-encoding": "gzip;q=0.2, br;q=0.8" } },
      { path: "/text/etag", headers: { "accept-encoding": "gzip, zstd;q=0.9" } },
      { path: "/text/etag", headers: { "accept-encoding": "zstd" } },
      { path: "/text/chunked", headers: { "accept-encoding": "zstd" } },
      { path: "/text", headers: { "accept-encoding": "*" } },
      { path: "/text", headers: { "accept-encoding": "identity" } },
      { path: "/text", headers: { "accept-encoding": "deflate" } },
      { path: "/text", headers: { "accept-encoding": "gzip;q=x" } },
      { path: "/text" },
      { path: "/short", headers: { "accept-encoding": "gzip" } },
      { path: "/png", headers: { "accept-encoding": "gzip" } },
      { path: "/text", method: "HEAD", headers: { "accept-encoding": "gzip" } },
      { path: "/route/text", headers: { "accept-encoding": "gzip, br;q=0.1" } },
    ],
    stats: /\.compressor\.(?!.*(total_compressed_bytes|http1))/,
  },
  {
    what: "compressor of requests, decompressor of responses",
    filters: {
      decompressor: typed("filters.http.decompressor.v3.Decompressor", { decompressorLibrary: gunzipLibrary }),
      compressor: typed("filters.http.compressor.v3.Compressor", { compressorLibrary: gzipLibrary, requestDirectionConfig: {} }),
    },
    asks: [
      { method: "POST", headers: { "content-type": "text/plain" }, body: text },
      { method: "POST", headers: { "content-type": "text/plain" }, body: "short" },
      { path: "/gzipped" },
      { path: "/gzipped/no-transform", headers: { "accept-encoding": "br, gzip;q=0.3" } },
    ],
    stats: /\.(de)?compressor\.(?!.*total_compressed_bytes)/,
  },
  {
    what: "decompressor of requests",
    filters: { decompressor: typed("filters.http.decompressor.v3.Decompressor", { decompressorLibrary: gunzipLibrary }) },
    asks: [
      { method: "POST", headers: { "content-encoding": "gzip" }, body: gzipSync(text) },
      { method: "POST", headers: { "content-encoding": "br" }, body: "as it is" },
    ],
    stats: /\.decompressor\./,
  },
  {
    what: "basic_auth",
    filters: {
      basic_auth: typed("filters.http.basic_auth.v3.BasicAuth", {
        users: { inlineString: "user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=\nuser2:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=" },
        forwardUsernameHeader: "x-user",
      }),
    },
    route: {
      basic_auth: typed("filters.http.basic_auth.v3.BasicAuthPerRoute", {
        users: { inlineString: "user1:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=" },
      }),
    },
    asks: [
      {},
      { headers: { authorization: "Bearer x" } },
      { headers: { authorization: `Basic ${Buffer.from("user1:test1").toString("base64")}` } },
      { headers: { authorization: `Basic ${Buffer.from("user1:test1").toString("base64").replace(/=+$/, "")}` } },
      { headers: { authorization: `Basic ${Buffer.from("user1:wrong").toString("base64")}` } },
      { headers: { authorization: `Basic ${Buffer.from("user1").toString("base64")}` }, path: "/some/path?q=1" },
      { path: "/route", headers: { authorization: `Basic ${Buffer.from("user1:test2").toString("base64")}` } },
    ],
    stats: /basic_auth/,
  },
  {
    what: "header_to_metadata, set_metadata and set_filter_state, told by formats",
    filters: {
      header_to_metadata: typed("filters.http.header_to_metadata.v3.Config", {
        requestRules: [
          { header: "x-version", onHeaderPresent: { metadataNamespace: "ns", key: "version" }, remove: true },
          { header: "x-number", onHeaderPresent: { metadataNamespace: "ns", key: "number", type: "NUMBER" } },
          { cookie: "session", onHeaderPresent: { metadataNamespace: "ns", key: "session" } },
          { header: "x-none", onHeaderMissing: { metadataNamespace: "ns", key: "none", value: "missing" } },
          {
            header: ":path",
            onHeaderPresent: {
              metadataNamespace: "ns",
              key: "first",
              regexValueRewrite: { pattern: { regex: "^/([^/?]+).*" }, substitution: "\\1" },
            },
          },
        ],
      }),
      set_metadata: typed("filters.http.set_metadata.v3.Config", {
        metadata: [
          { metadataNamespace: "ns", value: { version: "fixed" } },
          { metadataNamespace: "more", value: { a: { b: [1, true, "x"] } } },
          { metadataNamespace: "more", allowOverwrite: true, value: { a: { c: 2 } } },
        ],
      }),
      set_filter_state: typed("filters.http.set_filter_state.v3.Config", {
        onRequestHeaders: [
          {
            objectKey: "my.key",
            factoryKey: "envoy.string",
            formatString: { textFormatSource: { inlineString: "%REQ(x-number)% of %REQ(:method)%" } },
          },
        ],
      }),
    },
    requestHeadersToAdd: [
      { header: { key: "x-said", value: "%DYNAMIC_METADATA(ns:version)% %DYNAMIC_METADATA(ns:number)% %DYNAMIC_METADATA(ns:first)%" } },
      { header: { key: "x-said-2", value: "%DYNAMIC_METADATA(ns:session)% %DYNAMIC_METADATA(ns:none)%" } },
      { header: { key: "x-state", value: "%FILTER_STATE(my.key:PLAIN)% %FILTER_STATE(my.key)%" } },
      { header: { key: "x-inner", value: "%DYNAMIC_METADATA(more:a:b)% %DYNAMIC_METADATA(more:a:c)%" } },
    ],
    asks: [{ path: "/first/second", headers: { "x-version": "v1", "x-number": "4.5", cookie: 'a=b; session="id"' } }, { path: "/" }],
    stats: /set_metadata/,
  },
  {
    what: "bandwidth_limit",
    filters: {
      bandwidth_limit: typed("filters.http.bandwidth_limit.v3.BandwidthLimit", {
        statPrefix: "bw",
        enableMode: "REQUEST_AND_RESPONSE",
        limitKbps: "1000",
      }),
    },
    asks: [{}, { method: "POST", body: text }],
    stats: /http_bandwidth_limit\..*(enabled|enforced|pending|total_size)/,
  },
  {
    what: "stateful_session",
    filters: {
      stateful_session: typed("filters.http.stateful_session.v3.StatefulSession", {
        strict: true,
        sessionState: {
          name: "envoy.http.stateful_session.cookie",
          typedConfig: typed("http.stateful_session.cookie.v3.CookieBasedSessionState", {
            cookie: { name: "sticky", path: "/", ttl: "60s" },
          }),
        },
      }),
    },
    route: {
      stateful_session: typed("filters.http.stateful_session.v3.StatefulSessionPerRoute", {
        statefulSession: {
          sessionState: {
            name: "envoy.http.stateful_session.header",
            typedConfig: typed("http.stateful_session.header.v3.HeaderBasedSessionState", { name: "x-session" }),
          },
        },
      }),
    },
    asks: [
      {},
      // A host that is not there, in Envoy's own form, in the old one, and expired.
      { headers: { cookie: 'sticky="Cg4xMjcuMC4wLjE6ODA4MA=="' } },
      { headers: { cookie: `sticky=${Buffer.from("127.0.0.1:8080").toString("base64")}` } },
      { headers: { cookie: 'sticky="Cg4xMjcuMC4wLjE6ODA4MBAB"' } },
      { headers: { cookie: "sticky=!" } },
      { path: "/route" },
      { path: "/route", headers: { "x-session": Buffer.from("127.0.0.1:8080").toString("base64") } },
    ],
    stats: /stateful_session|upstream_cx_none_healthy/,
  },
  {
    what: "set_filter_state of connections",
    networkFilters: {
      set_filter_state: typed("filters.network.set_filter_state.v3.Config", {
        onNewConnection: [
          {
            objectKey: "my.key",
            factoryKey: "envoy.string",
            formatString: { textFormatSource: { inlineString: "from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } },
          },
        ],
      }),
    },
    filters: {},
    requestHeadersToAdd: [{ header: { key: "x-state", value: "%FILTER_STATE(my.key:PLAIN)%" } }],
    asks: [{}, {}],
    stats: /never/,
  },
  ...(
    [
      [{ destinationPortRange: { start: 1, end: 65_536 } }, { directRemoteIp: { addressPrefix: "127.0.0.0", prefixLen: 8 } }],
      [{ any: true }, { notId: { remoteIp: { addressPrefix: "127.0.0.1", prefixLen: 32 } } }],
      [{ requestedServerName: { exact: "" } }, { authenticated: {} }],
    ] as const
  ).map(([permission, principal], index): Scenario => ({
    what: `rbac of connections, ${index + 1}`,
    networkFilters: {
      rbac: typed("filters.network.rbac.v3.RBAC", {
        statPrefix: "tcp.",
        rules: { policies: { p: { permissions: [permission], principals: [principal] } } },
        shadowRules: { action: "DENY", policies: { p: { permissions: [permission], principals: [principal] } } },
        shadowRulesStatPrefix: "istio_dry_run_",
      }),
    },
    filters: {},
    asks: [{}],
    logged: index === 0 ? 1 : 0,
    stats: /rbac/,
  })),
  {
    what: "fault by headers",
    filters: {
      fault: typed("filters.http.fault.v3.HTTPFault", {
        delay: { headerDelay: {}, percentage: { numerator: 100 } },
        abort: { headerAbort: {}, percentage: { numerator: 100 } },
        responseRateLimit: { headerLimit: {}, percentage: { numerator: 100 } },
      }),
    },
    asks: [
      {},
      { headers: { "x-envoy-fault-abort-request": "418" } },
      { headers: { "x-envoy-fault-abort-request": "418", "x-envoy-fault-abort-request-percentage": "0" } },
      { headers: { "x-envoy-fault-abort-grpc-request": "14", "content-type": "application/grpc" } },
      { headers: { "x-envoy-fault-delay-request": "100" } },
      { headers: { "x-envoy-fault-throughput-response": "100" }, path: "/text" },
    ],
    stats: /\.fault\./,
  },
  {
    what: "filters that routes switch off and on",
    filters: {
      basic_auth: typed("filters.http.basic_auth.v3.BasicAuth", { users: { inlineString: "user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=" } }),
      csrf: typed("filters.http.csrf.v3.CsrfPolicy", { filterEnabled: ALWAYS }),
    },
    entries: { csrf: { disabled: true } },
    route: {
      basic_auth: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
      csrf: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", config: {} },
    },
    asks: [
      { method: "POST" },
      { method: "POST", headers: { authorization: `Basic ${Buffer.from("user1:test1").toString("base64")}` } },
      { method: "POST", path: "/route" },
    ],
    stats: /csrf|basic_auth/,
  },
];

interface Answered {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
/** Values of one request or one moment; the address that Envoy names in x-forwarded-for is the machine's. */
const OWN_VALUES = new Set(["date", "x-session", "x-envoy-upstream-service-time", "x-forwarded-for"]);

/** Trailers are left out: Envoy sends none over HTTP/1 unless it is told to. */
function comparable(headers: readonly (readonly [string, string])[]): string[] {
  return headers
    .filter(([name]) => name !== "connection" && name !== "keep-alive" && name !== "trailer")
    .map(([name, value]) => `${name}: ${OWN_VALUES.has(name) ? "*" : value.replace(/^sticky="[^"]+"/, 'sticky="*"')}`)
    .sort();
}

function decoded(bytes: Buffer, encoding: string | undefined): string {
  const decode = encoding === undefined || bytes.length === 0 ? undefined : DECODERS[encoding];
  return (decode?.(bytes) ?? bytes).toString("latin1");
}

function ask(port: number, { method = "GET", path = "/", headers = {}, body }: Ask): Promise<Answered> {
  return new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers: { host: "a", ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        const pairs = Object.entries(response.headersDistinct).flatMap(([name, values]) =>
          (values ?? []).map((value) => [name, value] as const),
        );
        const encoding = response.headers["content-encoding"];
        done({ status: response.statusCode ?? 0, headers: comparable(pairs), body: decoded(Buffer.concat(chunks), encoding) });
      });
    });
    // The connection was closed.
    request.on("error", () => done({ status: 0, headers: [], body: "" }));
    if (Array.isArray(body)) for (const chunk of body as readonly string[]) request.write(chunk);
    else if (body !== undefined) request.setHeader("content-length", Buffer.byteLength(body as string));
    request.end(Array.isArray(body) ? undefined : body);
  });
}

function backendAnswer(line: string): string | Buffer | undefined {
  const head = "HTTP/1.1 200 OK\r\nx-backend: 1\r\n";
  const status = /\/e(\d+)/.exec(line)?.[1];
  if (status !== undefined) return `HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`;
  if (line.startsWith("HEAD")) return `${head}content-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n`;
  if (line.includes("/text/chunked"))
    return `${head}content-type: text/html; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  if (line.includes("/text")) {
    const etag = line.includes("/etag") ? 'etag: "strong"\r\n' : "vary: cookie\r\n";
    return `${head}${etag}content-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  }
  if (line.includes("/short")) return `${head}content-type: text/plain\r\ncontent-length: 5\r\n\r\nshort`;
  if (line.includes("/png")) return `${head}content-type: image/png\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  if (line.includes("/gzipped")) {
    const body = gzipSync(text).toString("latin1");
    const transform = line.includes("no-transform") ? "cache-control: no-transform\r\n" : "";
    return `${head}${transform}content-type: text/plain\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  }
  return `${head}content-type: text/plain\r\ncontent-length: 2\r\n\r\nok`;
}

interface Outcome {
  readonly answers: readonly Answered[];
  readonly received: readonly { readonly line: string; readonly headers: readonly string[]; readonly body: string }[];
  readonly log: readonly string[];
  readonly stats: Readonly<Record<string, number>>;
}

async function measure(kind: "envoy" | "mizzen", scenario: Scenario): Promise<Outcome> {
  const received: Outcome["received"][number][] = [];
  const backend = await startRecordingBackend(({ line, headers, body }) => {
    const encoding = headers.find(([name]) => name === "content-encoding")?.[1];
    received.push({
      line,
      headers: comparable(headers),
      body: decoded(Buffer.from(body, "latin1"), encoding === "gzip" ? encoding : undefined),
    });
    return backendAnswer(line);
  });
  const { filters, networkFilters = {}, entries = {}, route = {}, hostConfig = {}, rateLimits = [], requestHeadersToAdd = [] } = scenario;
  const router = { name: "router", typedConfig: typed("filters.http.router.v3.Router", {}) };
  const action = { cluster: CLUSTER, timeout: "0s", rateLimits: [...rateLimits] };
  const proxy = await startLoneProxy(kind, {
    backendPort: backend.port,
    networkFilters: Object.entries(networkFilters).map(([name, typedConfig]) => ({ name, typedConfig })),
    manager: {
      httpFilters: [...Object.entries(filters).map(([name, typedConfig]) => ({ name, typedConfig, ...entries[name] })), router],
      generateRequestId: false,
    },
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        typedPerFilterConfig: { ...hostConfig },
        routes: [
          { match: { prefix: "/route" }, route: action, typedPerFilterConfig: { ...route } },
          { match: { prefix: "/" }, route: action, requestHeadersToAdd: [...requestHeadersToAdd] },
        ],
      },
    ],
  });
  try {
    for (const page of scenario.posts ?? []) await post(proxy, page);
    const answers: Answered[] = [];
    for (const one of scenario.asks) answers.push(await ask(proxy.port, one));
    const log = await eventually("everything is logged", 30_000, () =>
      proxy.log().length === (scenario.logged ?? scenario.asks.length) ? proxy.log() : undefined,
    );
    const stats = Object.fromEntries([...(await proxy.stats(scenario.stats))].filter(([, value]) => value > 0));
    return { answers, received, log: log.map((line) => line.split(" ").slice(0, 4).join(" ")), stats };
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

function post({ adminPort }: LoneProxy, path: string): Promise<void> {
  return new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", port: adminPort, method: "POST", path, agent: false }, (response) => {
      response.resume();
      response.on("end", () => (response.statusCode === 200 ? done() : fail(new Error(`${path}: ${response.statusCode ?? 0}`))));
    });
    request.on("error", fail);
    request.end();
  });
}

for (const scenario of SCENARIOS) {
  test(`${scenario.what} as Envoy does`, async () => {
    const [envoy, ours] = await Promise.all([measure("envoy", scenario), measure("mizzen", scenario)]);
    assert.deepEqual(ours, envoy);
  });
}
