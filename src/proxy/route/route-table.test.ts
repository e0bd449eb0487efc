import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import { AllowListedRoutesConfigSchema } from "#envoy/gen/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb";
import { UriTemplateMatchConfigSchema } from "#envoy/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb";
import { UriTemplateRewriteConfigSchema } from "#envoy/gen/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { file_envoy_extensions_filters_http_cors_v3_cors as corsFile } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { file_envoy_extensions_filters_http_fault_v3_fault as faultFile } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts as previousHosts } from "#envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb";
import { file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config as previousPriorities } from "#envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb";
import { ConfigError } from "#proxy/config-error";
import { faultFilterCompiler } from "#proxy/filters/fault/fault-filter";
import type { FaultConfig } from "#proxy/filters/fault/fault-config";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { compileRouteTable } from "./route-table.ts";
import type { RouteEntry, RouteTable } from "./route.ts";

const registry = createRegistry(
  AllowListedRoutesConfigSchema,
  UriTemplateMatchConfigSchema,
  UriTemplateRewriteConfigSchema,
  corsFile,
  faultFile,
  previousHosts,
  previousPriorities,
);
const filters = [faultFilterCompiler];

function table(config: JsonObject): RouteTable {
  return compileRouteTable(fromJson(RouteConfigurationSchema, { name: "t", ...config }, { registry }), { filters });
}

const routes = (...list: JsonValue[]): RouteTable => table({ virtualHosts: [{ name: "v", domains: ["*"], routes: list }] });

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly randomValue?: number;
  readonly clientCertificate?: "presented" | "validated";
}

/** What runtime layers say: nothing unless a test lets them. */
const LAYERS = new CurrentRuntime();

function request({ method = "GET", path = "/", authority = "reviews:9080", scheme = "http", headers = [] }: Ask): PairRequestHeaderMap {
  return new PairRequestHeaderMap({ method, path, authority, scheme, upgrade: undefined }, headers);
}

function match(on: RouteTable, ask: Ask): RouteEntry | undefined {
  return on.match({ headers: request(ask), randomValue: ask.randomValue ?? 0, runtime: LAYERS, tls: false });
}

function clusterOf(on: RouteTable, ask: Ask): string | undefined {
  const input = {
    headers: request(ask),
    randomValue: ask.randomValue ?? 0,
    runtime: LAYERS,
    tls: false,
    clientCertificate: ask.clientCertificate,
  };
  return on.match(input)?.chooseCluster(input)?.cluster;
}

const address = { address: "10.0.0.9", port: 5 };
const info = (): StreamRecord =>
  new StreamRecord(0, 0, { local: address, remote: address, directRemote: address, requestedServerName: undefined, tls: undefined });

/** The request as it leaves. */
function forwarded(on: RouteTable, ask: Ask): PairRequestHeaderMap {
  const headers = request(ask);
  const input = { headers, randomValue: ask.randomValue ?? 0, runtime: LAYERS, tls: false };
  const entry = on.match(input);
  const choice = entry?.chooseCluster(input);
  assert.ok(entry !== undefined && choice !== undefined);
  entry.finalizeRequest(headers, info(), choice);
  return headers;
}

function violations(config: JsonObject): string[] {
  try {
    table(config);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.violations.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

const to = (cluster: string, more: JsonObject = {}): JsonObject => ({ cluster, ...more });

test("a runtime_fraction is what runtime layers say under its runtime_key", (t) => {
  t.after(() => LAYERS.set(new Map()));
  const on = routes(
    { match: { prefix: "/", runtimeFraction: { defaultValue: { numerator: 30 }, runtimeKey: "k.share" } }, route: to("share") },
    { match: { prefix: "/" }, route: to("rest") },
  );
  const chosen = (): readonly unknown[] => [0, 0.29, 0.3, 0.999].map((randomValue) => clusterOf(on, { randomValue }));
  assert.deepEqual(chosen(), ["share", "share", "rest", "rest"]);
  LAYERS.set(runtimeValues({ "k.share": 100 }));
  assert.deepEqual(chosen(), ["share", "share", "share", "share"]);
  LAYERS.set(runtimeValues({ "k.share": { numerator: 1, denominator: "TEN_THOUSAND" } }));
  assert.deepEqual(chosen(), ["share", "rest", "rest", "rest"]);
  LAYERS.set(runtimeValues({ "k.share": "what?" }));
  assert.deepEqual(chosen(), ["share", "share", "rest", "rest"]);
});

test("weights are what runtime layers say below runtime_key_prefix, and none where all are 0", (t) => {
  t.after(() => LAYERS.set(new Map()));
  const clusters = [
    { name: "a", weight: 50 },
    { name: "b", weight: 50 },
  ];
  const on = routes({ match: { prefix: "/" }, route: { weightedClusters: { clusters, runtimeKeyPrefix: "w" } } });
  const chosen = (): readonly unknown[] => [0, 0.24, 0.25, 0.5, 0.999].map((randomValue) => clusterOf(on, { randomValue }));
  assert.deepEqual(chosen(), ["a", "a", "a", "b", "b"]);
  LAYERS.set(runtimeValues({ "w.a": 1, "w.b": 3 }));
  assert.deepEqual(chosen(), ["a", "a", "b", "b", "b"]);
  LAYERS.set(runtimeValues({ w: { b: 0 } }));
  assert.deepEqual(chosen(), ["a", "a", "a", "a", "a"]);
  LAYERS.set(runtimeValues({ w: { a: 0, b: 0 } }));
  assert.deepEqual(chosen(), [undefined, undefined, undefined, undefined, undefined]);
});

test("the first route that takes the request wins, in order", () => {
  const on = routes(
    { match: { path: "/exact" }, route: to("exact") },
    { match: { pathSeparatedPrefix: "/seg" }, route: to("segment") },
    { match: { safeRegex: { regex: "/api/v[0-9]+" } }, route: to("regex") },
    { match: { prefix: "/CASE", caseSensitive: false }, route: to("case") },
    { match: { connectMatcher: {} }, route: to("connect") },
    { match: { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "PUT" } }] }, route: to("put") },
    { match: { prefix: "/", queryParameters: [{ name: "q", stringMatch: { exact: "1" } }] }, route: to("query") },
    { match: { prefix: "/", tlsContext: { validated: true } }, route: to("validated") },
    { match: { prefix: "/", tlsContext: { presented: true, validated: false } }, route: to("presented") },
    { match: { prefix: "/", grpc: {} }, route: to("grpc") },
    { match: { prefix: "/", runtimeFraction: { defaultValue: { numerator: 30 } } }, route: to("share") },
    { match: { prefix: "/" }, route: to("rest") },
  );
  for (const [ask, expected] of [
    [{ path: "/exact?x#y" }, "exact"],
    [{ path: "/exact/" }, "share"],
    [{ path: "/seg" }, "segment"],
    [{ path: "/seg/x" }, "segment"],
    [{ path: "/segment", randomValue: 0.9 }, "rest"],
    [{ path: "/api/v12?x" }, "regex"],
    [{ path: "/api/v12/x", randomValue: 0.3 }, "rest"],
    [{ path: "/case/X" }, "case"],
    [{ path: "", method: "CONNECT", authority: "a:1" }, "connect"],
    [{ method: "PUT" }, "put"],
    [{ path: "/?q=1&q=2" }, "query"],
    [{ clientCertificate: "validated" }, "validated"],
    [{ clientCertificate: "presented" }, "presented"],
    [{ headers: [["content-type", "application/grpc+proto"]] }, "grpc"],
    [{ headers: [["content-type", "application/grpc-web"]], randomValue: 0.5 }, "rest"],
    [{ randomValue: 0.29 }, "share"],
  ] as const) {
    assert.equal(clusterOf(on, ask), expected, JSON.stringify(ask));
  }
  assert.equal(match(routes({ match: { prefix: "/a" }, route: to("a") }), {}), undefined);
});

test("weights split exactly, and 0 gets nothing", () => {
  const clusters = [
    { name: "a", weight: 80 },
    { name: "zero", weight: 0 },
    { name: "b", weight: 20 },
  ];
  const on = routes({ match: { prefix: "/" }, route: { weightedClusters: { clusters, totalWeight: 100 } } });
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1_000; i++) {
    const cluster = clusterOf(on, { randomValue: i / 1_000 }) ?? "none";
    counts[cluster] = (counts[cluster] ?? 0) + 1;
  }
  assert.deepEqual(counts, { a: 800, b: 200 });
});

test("a header may say which of the weighted clusters it is, and name it", () => {
  const clusters = [
    { name: "a", weight: 1 },
    { clusterHeader: "x-to", weight: 1 },
  ];
  const on = routes({ match: { prefix: "/" }, route: { weightedClusters: { clusters, headerName: "x-random" } } });
  const picks = (random: string): string | undefined =>
    clusterOf(on, {
      randomValue: 0,
      headers: [
        ["x-random", random],
        ["x-to", "b"],
      ],
    });
  assert.deepEqual(["0", "1", "18446744073709551615", "-1", "x"].map(picks), ["a", "b", "b", "a", "a"]);
});

test("templates match and rewrite paths", () => {
  const policy = (name: string, type: string, field: string, value: string): JsonObject => ({
    name,
    typedConfig: { "@type": `type.googleapis.com/envoy.extensions.path.${type}.uri_template.v3.${field}`, ...JSON.parse(value) },
  });
  const on = routes({
    match: { pathMatchPolicy: policy("m", "match", "UriTemplateMatchConfig", '{"pathTemplate":"/{a}/{b=**}"}') },
    route: to("c", { pathRewritePolicy: policy("r", "rewrite", "UriTemplateRewriteConfig", '{"pathTemplateRewrite":"/{b}/{a}"}') }),
  });
  const headers = request({ path: "/x/y/z?q=1" });
  const entry = on.match({ headers, randomValue: 0, runtime: LAYERS, tls: false });
  entry!.finalizeRequest(headers, info(), entry!.chooseCluster({ headers, randomValue: 0, runtime: LAYERS, tls: false })!);
  assert.equal(headers.path, "/y/z/x?q=1");
  assert.equal(match(on, { path: "/x" }), undefined);
});

test("a cluster may be named by a header", () => {
  const on = routes({ match: { prefix: "/" }, route: { clusterHeader: "X-To" } });
  assert.equal(clusterOf(on, { headers: [["x-to", "c"]] }), "c");
  assert.equal(clusterOf(on, {}), "");
});

test("rewrites keep the query, remember the old path, and change the host", () => {
  const on = routes(
    { match: { prefix: "/api/" }, route: to("c", { prefixRewrite: "/" }) },
    { match: { path: "/exact" }, route: to("c", { prefixRewrite: "/new" }) },
    {
      match: { safeRegex: { regex: "/r/.*" } },
      route: to("c", { regexRewrite: { pattern: { regex: "^/r/([^/]+)/(.*)$" }, substitution: "/\\2/\\1" } }),
    },
    { match: { path: "/host" }, route: to("c", { hostRewriteLiteral: "other", appendXForwardedHost: true }) },
    { match: { path: "/host-header" }, route: to("c", { hostRewriteHeader: "x-host" }) },
    {
      match: { prefix: "/host-path/" },
      route: to("c", { hostRewritePathRegex: { pattern: { regex: "^/host-path/(.+)$" }, substitution: "\\1" } }),
    },
  );
  const paths = (path: string): string[] => {
    const headers = forwarded(on, { path });
    return [headers.path, headers.get("x-envoy-original-path") ?? ""];
  };
  assert.deepEqual(paths("/api/v1?a=/b"), ["/v1?a=/b", "/api/v1?a=/b"]);
  assert.deepEqual(paths("/exact?q"), ["/new?q", "/exact?q"]);
  assert.deepEqual(paths("/r/a/b?q"), ["/b/a?q", "/r/a/b?q"]);
  const host = forwarded(on, { path: "/host" });
  assert.deepEqual(
    [host.authority, host.get("x-forwarded-host"), host.get("x-envoy-original-host")],
    ["other", "reviews:9080", "reviews:9080"],
  );
  assert.equal(forwarded(on, { path: "/host-header", headers: [["x-host", "h"]] }).authority, "h");
  assert.equal(forwarded(on, { path: "/host-header" }).authority, "reviews:9080");
  assert.equal(forwarded(on, { path: "/host-path/a.b?q" }).authority, "a.b");
});

test("header changes: cluster, route, virtual host, table; the last to speak wins unless the table says otherwise", () => {
  const set = (value: string): JsonObject => ({
    requestHeadersToAdd: [{ header: { key: "X-Level", value }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
    responseHeadersToAdd: [{ header: { key: "x-all", value } }],
    responseHeadersToRemove: [`x-${value}`],
  });
  const levels = (mostSpecific: boolean): RouteTable =>
    table({
      ...set("table"),
      mostSpecificHeaderMutationsWins: mostSpecific,
      virtualHosts: [
        {
          name: "v",
          domains: ["*"],
          ...set("host"),
          routes: [
            {
              match: { prefix: "/" },
              ...set("route"),
              route: { weightedClusters: { clusters: [{ name: "c", weight: 1, ...set("cluster"), hostRewriteLiteral: "w" }] } },
            },
          ],
        },
      ],
    });
  assert.equal(forwarded(levels(false), {}).get("x-level"), "table");
  assert.equal(forwarded(levels(true), {}).get("x-level"), "route");
  assert.equal(forwarded(levels(false), {}).authority, "w");
  const response = new PairResponseHeaderMap(200, [
    ["x-host", "1"],
    ["x-keep", "1"],
  ]);
  const input = { headers: request({}), randomValue: 0, runtime: LAYERS, tls: false };
  const entry = levels(false).match(input);
  entry?.finalizeResponse(response, info(), entry.chooseCluster(input));
  assert.deepEqual(response.getAll("x-all"), ["cluster", "route", "host", "table"]);
  assert.deepEqual([response.has("x-host"), response.has("x-keep")], [false, true]);
});

test("append actions, empty values and formats", () => {
  const add = (key: string, value: string, more: JsonObject = {}): JsonObject => ({ header: { key, value }, ...more });
  const on = routes({
    match: { prefix: "/" },
    route: to("c"),
    requestHeadersToRemove: ["gone"],
    requestHeadersToAdd: [
      add("has", "2"),
      add("absent", "new", { appendAction: "ADD_IF_ABSENT" }),
      add("has", "3", { appendAction: "ADD_IF_ABSENT" }),
      add("none", "x", { appendAction: "OVERWRITE_IF_EXISTS" }),
      add("empty", "%REQ(nope)%"),
      add("kept", "", { keepEmptyValue: true }),
      add("old", "set", { append: false }),
      add("peer", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
      add("percent", "100%%"),
    ],
  });
  const headers = forwarded(on, {
    headers: [
      ["has", "1"],
      ["gone", "1"],
      ["old", "1"],
      ["old", "2"],
    ],
  });
  assert.deepEqual(headers.getAll("has"), ["1", "2"]);
  for (const [name, expected] of [
    ["absent", "new"],
    ["none", undefined],
    ["empty", undefined],
    ["kept", ""],
    ["old", "set"],
    ["peer", "10.0.0.9"],
    ["percent", "100%"],
    ["gone", undefined],
  ] as const) {
    assert.equal(headers.getJoined(name), expected, name);
  }
});

function location(redirect: JsonObject, ask: Ask, matching: JsonObject = { prefix: "/old" }): string | undefined {
  const headers = request(ask);
  const reply = routes({ match: matching, redirect })
    .match({ headers, randomValue: 0, runtime: LAYERS, tls: false })
    ?.reply?.(headers, info());
  return reply?.headers?.[0]?.[1];
}

test("conditions of a list look at the headers before the list changes them, and what overwrites goes first", () => {
  const option = (value: string, appendAction: string): JsonObject => ({ header: { key: "x-a", value }, appendAction });
  const after = (there: boolean, ...requestHeadersToAdd: JsonObject[]): readonly string[] =>
    forwarded(routes({ match: { prefix: "/" }, route: to("c"), requestHeadersToAdd }), { headers: there ? [["x-a", "0"]] : [] }).getAll(
      "x-a",
    );
  assert.deepEqual(after(false, option("1", "ADD_IF_ABSENT"), option("2", "ADD_IF_ABSENT")), ["1", "2"]);
  assert.deepEqual(after(false, option("1", "APPEND_IF_EXISTS_OR_ADD"), option("2", "OVERWRITE_IF_EXISTS")), ["1"]);
  assert.deepEqual(after(true, option("1", "APPEND_IF_EXISTS_OR_ADD"), option("2", "OVERWRITE_IF_EXISTS_OR_ADD")), ["2", "1"]);
});

test("redirects follow Envoy's rules for scheme, host, port, path and query", () => {
  const old = { path: "/old/a?q=1", authority: "h:80" };
  assert.equal(location({}, old), "http://h:80/old/a?q=1");
  assert.equal(location({ httpsRedirect: true }, old), "https://h/old/a?q=1");
  assert.equal(location({ httpsRedirect: true }, { ...old, authority: "h:8080" }), "https://h:8080/old/a?q=1");
  assert.equal(location({ schemeRedirect: "ftp" }, old), "ftp://h/old/a?q=1");
  assert.equal(location({ hostRedirect: "new", portRedirect: 81 }, old), "http://new:81/old/a?q=1");
  assert.equal(location({ portRedirect: 81 }, { ...old, authority: "[::1]:80" }), "http://[::1]:81/old/a?q=1");
  assert.equal(location({ pathRedirect: "/new" }, old), "http://h:80/new?q=1");
  assert.equal(location({ pathRedirect: "/new", stripQuery: true }, old), "http://h:80/new");
  assert.equal(location({ pathRedirect: "/new?x=2" }, old), "http://h:80/new?x=2");
  assert.equal(location({ prefixRewrite: "/new" }, old), "http://h:80/new/a?q=1");
  assert.equal(location({ prefixRewrite: "/new", stripQuery: true }, old), "http://h:80/new/a");
  assert.equal(location({ regexRewrite: { pattern: { regex: "^/old/(.*)$" }, substitution: "/\\1" } }, old), "http://h:80/a?q=1");
});

test("redirects and direct responses are replies, with their status and detail", () => {
  const on = routes(
    { match: { path: "/r" }, redirect: { responseCode: "PERMANENT_REDIRECT" } },
    { match: { path: "/d" }, directResponse: { status: 418, body: { inlineString: "é" } } },
  );
  const headers = request({ path: "/r" });
  assert.equal(match(on, { path: "/r" })?.reply?.(headers, info()).status, 308);
  assert.deepEqual(match(on, { path: "/d" })?.reply?.(headers, info()), {
    kind: "local-reply",
    status: 418,
    body: Buffer.from("é").toString("latin1"),
    flag: undefined,
    details: "direct_response",
  });
});

test("require_tls redirects plain requests before any route is looked at", () => {
  const on = table({
    virtualHosts: [{ name: "v", domains: ["*"], requireTls: "ALL", routes: [{ match: { prefix: "/" }, route: to("c") }] }],
  });
  const headers = request({ path: "/a?b", authority: "h:8080" });
  const reply = match(on, { path: "/a?b" })?.reply?.(headers, info());
  assert.deepEqual([reply?.status, reply?.headers?.[0]?.[1]], [301, "https://h:8080/a?b"]);
  assert.equal(clusterOf(on, { scheme: "https" }), "c");
  const tunnel = request({ path: "", method: "CONNECT", authority: "h:80" });
  const nowhere = match(on, { path: "", method: "CONNECT" })?.reply?.(tunnel, info());
  assert.deepEqual([nowhere?.status, nowhere?.headers], [301, []]);
});

test("timeouts: 15 s unless said otherwise, 0 is none", () => {
  const timeout = (route: JsonObject): unknown => {
    const entry = match(routes({ match: { prefix: "/" }, route: to("c", route) }), {});
    return [entry?.timeoutMs, entry?.idleTimeoutMs, entry?.maxGrpcTimeoutMs];
  };
  assert.deepEqual(timeout({}), [15_000, undefined, undefined]);
  assert.deepEqual(timeout({ timeout: "0s", maxGrpcTimeout: "0s" }), [0, undefined, 0]);
  const longest = { maxStreamDuration: "3s", grpcTimeoutHeaderMax: "0s", grpcTimeoutHeaderOffset: "0.1s" };
  const entry = match(routes({ match: { prefix: "/" }, route: to("c", { maxStreamDuration: longest }) }), {});
  assert.deepEqual(entry?.maxStreamDuration, { maxMs: 3000, grpcMaxMs: 0, grpcOffsetMs: 100 });
  assert.deepEqual(timeout({ timeout: "0.5s", idleTimeout: "0s" }), [500, 0, undefined]);
});

const ISTIO_RETRY = {
  hostSelectionRetryMaxAttempts: "5",
  numRetries: 2,
  retryHostPredicate: [
    {
      name: "envoy.retry_host_predicates.previous_hosts",
      typedConfig: { "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate" },
    },
  ],
  retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes, 999x",
  retriableStatusCodes: [503],
  perTryTimeout: "2s",
};

test("Istio's retry policy; a virtual host's holds where the route has none", () => {
  const on = table({
    virtualHosts: [
      {
        name: "v",
        domains: ["*"],
        retryPolicy: { retryOn: "5xx" },
        routes: [
          { match: { path: "/a" }, route: to("c", { retryPolicy: ISTIO_RETRY }) },
          { match: { prefix: "/" }, route: to("c") },
        ],
      },
    ],
  });
  const own = match(on, { path: "/a" })?.retry;
  assert.deepEqual([own?.connectFailure, own?.refusedStream, own?.status5xx, own?.reset], [true, true, false, false]);
  assert.deepEqual([[...(own?.grpcCodes ?? [])].sort((a, b) => a - b), [...(own?.retriableStatusCodes ?? [])]], [[1, 14], [503]]);
  assert.deepEqual(
    [own?.numRetries, own?.perTryTimeoutMs, own?.hostSelectionAttempts, own?.baseIntervalMs, own?.maxIntervalMs],
    [2, 2_000, 5, undefined, undefined],
  );
  const shared = match(on, {})?.retry;
  assert.deepEqual([shared?.status5xx, shared?.numRetries, shared?.hostSelectionAttempts], [true, 1, 0]);
});

test("retriable headers match responses, their status too", () => {
  const retriableHeaders = [
    { name: "X-Again", stringMatch: { prefix: "y" } },
    { name: ":status", stringMatch: { exact: "418" } },
  ];
  const retryPolicy = { retryOn: "retriable-headers", retriableHeaders };
  const on = table({
    virtualHosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: to("c", { retryPolicy }) }] }],
  });
  const retry = match(on, {})?.retry;
  const taken = (status: number, again: string) =>
    retry?.retriableHeaders.some((matches) => matches(new PairResponseHeaderMap(status, [["x-again", again]])));
  assert.equal(retry?.onRetriableHeaders, true);
  assert.deepEqual([taken(200, "yes"), taken(200, "no"), taken(418, "no")], [true, false, true]);
});

test("previous_priorities is the retry priority that is served, with a frequency", () => {
  const policy = (typedConfig: JsonObject) => ({
    virtualHosts: [
      {
        name: "v",
        domains: ["*"],
        routes: [{ match: { prefix: "/" }, route: to("c", { retryPolicy: { retryPriority: { name: "p", typedConfig } } }) }],
      },
    ],
  });
  const type = "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
  assert.equal(match(table(policy({ "@type": type, updateFrequency: 2 })), {})?.retry?.priorityUpdateFrequency, 2);
  assert.match(violations(policy({ "@type": type })).join(), /retry_priority.update_frequency: must be greater than 0/);
  assert.match(
    violations(policy({ "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate" })).join(),
    /retry_priority: "p" is not served/,
  );
});

test("per-route filter configs are compiled by their filter; the most specific wins", () => {
  const fault = (status: number): JsonObject => ({
    "envoy.filters.http.fault": {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
      abort: { httpStatus: status, percentage: { numerator: 100 } },
    },
  });
  const on = table({
    virtualHosts: [
      {
        name: "v",
        domains: ["*"],
        typedPerFilterConfig: fault(500),
        routes: [
          { match: { path: "/a" }, route: to("c"), typedPerFilterConfig: fault(418) },
          {
            match: { path: "/w" },
            route: {
              weightedClusters: {
                clusters: [
                  { name: "c", weight: 1 },
                  { name: "d", weight: 1, typedPerFilterConfig: fault(419) },
                ],
              },
            },
            typedPerFilterConfig: fault(418),
          },
          { match: { prefix: "/" }, route: to("c") },
        ],
      },
    ],
  });
  const weighted = match(on, { path: "/w" })?.weightedFilterConfig;
  const levels = (randomValue: number): unknown =>
    weighted?.({ headers: request({ path: "/w" }), randomValue, runtime: LAYERS, tls: false })
      .all("envoy.filters.http.fault")
      .map((config) => (config as FaultConfig).abort?.status(request({}))?.status);
  assert.deepEqual(
    [levels(0.1), levels(0.9)],
    [
      [418, 500],
      [419, 418, 500],
    ],
  );
  const status = (path: string): unknown =>
    (match(on, { path })?.filterConfig.get("envoy.filters.http.fault") as FaultConfig | undefined)?.abort?.status(request({}))?.status;
  assert.deepEqual([status("/a"), status("/b")], [418, 500]);
  assert.match(
    violations({
      typedPerFilterConfig: {
        "envoy.filters.http.cors": { "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy" },
      },
    })[0] ?? "",
    /typed_per_filter_config\["envoy.filters.http.cors"\]: no filter of this proxy/,
  );
});

test("attempt counts, upgrades, metadata, not-found status", () => {
  const on = table({
    virtualHosts: [
      {
        name: "v",
        domains: ["*"],
        includeRequestAttemptCount: true,
        routes: [
          {
            name: "r",
            match: { prefix: "/" },
            metadata: { filterMetadata: { istio: { config: "/apis/x" } } },
            decorator: { operation: "o" },
            route: to("c", {
              clusterNotFoundResponseCode: "INTERNAL_SERVER_ERROR",
              autoHostRewrite: true,
              upgradeConfigs: [{ upgradeType: "WebSocket", enabled: false }],
            }),
          },
        ],
      },
    ],
  });
  const entry = match(on, {});
  assert.deepEqual([entry?.name, entry?.virtualHost, entry?.metadata["istio"]], ["r", "v", { config: "/apis/x" }]);
  assert.deepEqual(entry?.decorator, { operation: "o", propagate: true });
  assert.deepEqual([entry?.includeAttemptCountInRequest, entry?.includeAttemptCountInResponse], [true, false]);
  assert.deepEqual([entry?.clusterNotFoundStatus, entry?.autoHostRewrite, entry?.upgrades?.get("websocket")], [500, true, false]);
});

test("everything wrong is told at once, with proto paths", () => {
  const found = violations({
    validateClusters: true,
    virtualHosts: [
      {
        name: "a",
        domains: ["x", "X"],
        rateLimits: [{ actions: [] }],
        routes: [
          {
            match: { prefix: "/", dynamicMetadata: [{ filter: "f" }] },
            route: to("c", { requestMirrorPolicies: [{ cluster: "m", clusterHeader: "x" }], hashPolicy: [{ filterState: { key: "" } }] }),
          },
        ],
      },
      {
        name: "b",
        domains: ["y"],
        routes: [
          { match: { safeRegex: { regex: "(" } }, route: { weightedClusters: { clusters: [{ name: "c" }] } } },
          { match: { prefix: "/" }, directResponse: { status: 700, body: { inlineString: "x".repeat(5_000) } } },
          { match: { prefix: "/" }, route: to("c"), requestHeadersToAdd: [{ header: { key: "Host", value: "%NOPE%" } }] },
          { route: { cluster: "" } },
        ],
      },
      { name: "b", domains: [] },
    ],
  });
  for (const expected of [
    "validate_clusters: true",
    "virtual_hosts[0].domains[1]: domain",
    "virtual_hosts[0].rate_limits[0].actions: must not be empty",
    "virtual_hosts[0].routes[0].match.dynamic_metadata[0].path: must not be empty",
    "virtual_hosts[0].routes[0].route.request_mirror_policies[0]: needs one of cluster, cluster_header",
    "virtual_hosts[0].routes[0].route.hash_policy[0].filter_state.key: must not be empty",
    "virtual_hosts[1].routes[0].match.safe_regex.regex: regex",
    "virtual_hosts[1].routes[0].route.weighted_clusters: the sum of all weights",
    "virtual_hosts[1].routes[1].direct_response.status: 700",
    "virtual_hosts[1].routes[1].direct_response.body: 5000 bytes exceed",
    "virtual_hosts[1].routes[2].request_headers_to_add[0].header.key:",
    "virtual_hosts[1].routes[2].request_headers_to_add[0].header.value:",
    "virtual_hosts[1].routes[3].match: is missing",
    "virtual_hosts[1].routes[3].route.cluster: must not be empty",
    "virtual_hosts[2].name: virtual host",
    "virtual_hosts[2].domains: must not be empty",
  ]) {
    assert.ok(
      found.some((line) => line.startsWith(expected)),
      `${expected}\n${found.join("\n")}`,
    );
  }
});

test("10,000 virtual hosts are found as fast as one", () => {
  const virtualHosts = Array.from({ length: 10_000 }, (_, i) => ({
    name: `v${i}`,
    domains: [`s${i}.default.svc.cluster.local`, `s${i}`, `*.w${i}.example`],
    routes: [{ match: { prefix: "/" }, route: to(`c${i}`) }],
  }));
  const on = table({ virtualHosts, ignorePortInHostMatching: true });
  assert.equal(clusterOf(on, { authority: "s9999:9080" }), "c9999");
  assert.equal(clusterOf(on, { authority: "a.w5000.example" }), "c5000");
  assert.equal(clusterOf(on, { authority: "nowhere" }), undefined);
});

test("a direct response may be as long as the table allows", () => {
  const virtualHosts = [
    {
      name: "v",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, directResponse: { status: 200, body: { inlineString: "x".repeat(5_000) } } }],
    },
  ];
  assert.match(violations({ virtualHosts }).join(), /5000 bytes exceed max_direct_response_body_size_bytes \(4096\)/);
  assert.deepEqual(violations({ virtualHosts, maxDirectResponseBodySizeBytes: 5_000 }), []);
});

test("a route that forwards nothing matches, and has no cluster", () => {
  const on = routes({ match: { prefix: "/" }, nonForwardingAction: {} });
  assert.equal(match(on, {})?.reply, undefined);
  assert.ok(match(on, {}) !== undefined);
  assert.equal(clusterOf(on, {}), undefined);
});

test("a mirror is marked in the host of its copies, unless the policy says otherwise", () => {
  const requestMirrorPolicies = [{ cluster: "m" }, { cluster: "n", disableShadowHostSuffixAppend: true }];
  const on = routes({ match: { prefix: "/" }, route: to("c", { requestMirrorPolicies }) });
  assert.deepEqual(
    match(on, {})?.mirrors?.map(({ marksHost }) => marksHost),
    [true, false],
  );
});

test("a redirect is followed to allowed routes alone: what several lists have in common", () => {
  const allow = (...allowedRouteNames: string[]): JsonObject => ({
    name: "allow",
    typedConfig: { "@type": `type.googleapis.com/${AllowListedRoutesConfigSchema.typeName}`, allowedRouteNames },
  });
  const on = (...predicates: JsonObject[]): ReadonlySet<string> | undefined =>
    match(routes({ match: { prefix: "/" }, route: to("c", { internalRedirectPolicy: { predicates } }) }), {})?.internalRedirect
      ?.allowedRoutes;
  assert.equal(on(), undefined);
  assert.deepEqual(on(allow("a", "b")), new Set(["a", "b"]));
  assert.deepEqual(on(allow("a", "b"), allow("b", "c")), new Set(["b"]));
});

test("request_mirror_policies are the route's, else the virtual host's, else the table's, and never added up", () => {
  const mirrors = (cluster: string): JsonObject => ({ requestMirrorPolicies: [{ cluster }] });
  const route = (prefix: string, more: JsonObject = {}): JsonObject => ({ match: { prefix }, route: { cluster: "c", ...more } });
  const on = table({
    ...mirrors("of-table"),
    virtualHosts: [
      { name: "own", domains: ["own"], ...mirrors("of-host"), routes: [route("/own", mirrors("of-route")), route("/")] },
      { name: "none", domains: ["none"], routes: [route("/")] },
    ],
  });
  const copies = (authority: string, path: string): (string | undefined)[] | undefined =>
    match(on, { authority, path })?.mirrors?.map((mirror) => mirror.cluster(request({})));
  assert.deepEqual([copies("own", "/own"), copies("own", "/"), copies("none", "/")], [["of-route"], ["of-host"], ["of-table"]]);
});

test("ignore_path_parameters_in_path_matching looks at a path up to its first parameter, and rewrites leave the rest", () => {
  const list = [
    { match: { path: "/exact" }, route: { cluster: "exact", prefixRewrite: "/new" } },
    { match: { pathSeparatedPrefix: "/part" }, route: { cluster: "part" } },
    { match: { safeRegex: { regex: "/[a-z]+/[0-9]+" } }, route: { cluster: "regex" } },
    { match: { prefix: "/" }, route: { cluster: "other" } },
  ];
  const on = (ignorePathParametersInPathMatching: boolean): RouteTable =>
    table({ ignorePathParametersInPathMatching, virtualHosts: [{ name: "v", domains: ["*"], routes: list }] });
  const paths = ["/exact;v=1?q", "/part;v=1", "/part/x;v=1", "/a/5;v=1", "/exact"];
  const chosen = (ignores: boolean): (string | undefined)[] => paths.map((path) => clusterOf(on(ignores), { path }));
  assert.deepEqual(chosen(true), ["exact", "part", "part", "regex", "exact"]);
  assert.deepEqual(chosen(false), ["other", "other", "part", "other", "exact"]);
  assert.equal(forwarded(on(true), { path: "/exact;v=1?q" }).path, "/new;v=1?q");
});

test("per_request_buffer_limit_bytes is the route's, else the virtual host's, else there is none", () => {
  const list = [
    { match: { prefix: "/own" }, route: { cluster: "c" }, perRequestBufferLimitBytes: 5 },
    { match: { prefix: "/" }, route: { cluster: "c" } },
  ];
  const limits = (more: JsonObject): (number | undefined)[] => {
    const on = table({ virtualHosts: [{ name: "v", domains: ["*"], routes: list, ...more }] });
    return ["/own", "/"].map((path) => match(on, { path })?.perRequestBufferLimitBytes);
  };
  assert.deepEqual(limits({ perRequestBufferLimitBytes: 7 }), [5, 7]);
  assert.deepEqual(limits({}), [5, Number.POSITIVE_INFINITY]);
});
