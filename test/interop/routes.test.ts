// The same routes and requests through a real Envoy and through our proxy, for what Istio does not write but other control planes do: what
// the client gets, what the host got, try by try, and what statistics say must be the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const TYPE = "type.googleapis.com/envoy.extensions";

const to = (more: JsonObject): JsonObject => ({ cluster: CLUSTER, timeout: "5s", ...more });
const at = (prefix: string, more: JsonObject, route: JsonObject = {}): JsonObject => ({ match: { prefix }, route: to(more), ...route });
const retry = (more: JsonObject): JsonObject => ({
  retryPolicy: { retryOn: "5xx,reset", numRetries: 2, retryBackOff: { baseInterval: "0.01s", maxInterval: "0.01s" }, ...more },
});
const redirect = (more: JsonObject = {}): JsonObject => ({ internalRedirectPolicy: more });
const template = (matched: string, rewritten: string): JsonObject => ({
  match: {
    pathMatchPolicy: {
      name: "envoy.path.match.uri_template.uri_template_matcher",
      typedConfig: { "@type": `${TYPE}.path.match.uri_template.v3.UriTemplateMatchConfig`, pathTemplate: matched },
    },
  },
  route: to({
    pathRewritePolicy: {
      name: "envoy.path.rewrite.uri_template.uri_template_rewriter",
      typedConfig: { "@type": `${TYPE}.path.rewrite.uri_template.v3.UriTemplateRewriteConfig`, pathTemplateRewrite: rewritten },
    },
  }),
});

const ROUTES: readonly JsonObject[] = [
  at("/overloaded", retry({})),
  at("/reset-header", retry({ rateLimitedRetryBackOff: { resetHeaders: [{ name: "retry-after", format: "SECONDS" }] } })),
  at("/request-header", retry({ retriableRequestHeaders: [{ name: "x-idempotent", presentMatch: true }] })),
  at("/per-try", retry({ perTryTimeout: "0.2s", numRetries: 1 })),
  at("/idle", retry({ perTryIdleTimeout: "0.2s", numRetries: 1 })),
  at("/hedge", { ...retry({ perTryTimeout: "0.2s", numRetries: 1 }), hedgePolicy: { hedgeOnPerTryTimeout: true } }),
  at("/duration", { maxStreamDuration: { maxStreamDuration: "0.3s" } }),
  at("/redirect/cross", redirect({ allowCrossSchemeRedirect: true }), { name: "cross" }),
  at("/redirect/copy", redirect({ responseHeadersToCopy: ["x-token"], redirectResponseCodes: [302, 303, 307] }), { name: "copy" }),
  at(
    "/redirect/twice",
    redirect({
      maxInternalRedirects: 5,
      predicates: [
        {
          name: "envoy.internal_redirect_predicates.previous_routes",
          typedConfig: { "@type": `${TYPE}.internal_redirect.previous_routes.v3.PreviousRoutesConfig` },
        },
      ],
    }),
    { name: "twice" },
  ),
  at("/redirect", redirect(), { name: "redirect" }),
  at("/high", { priority: "HIGH" }),
  template("/t/{country}/{lang}/{rest=**}", "/{lang}/{country}/x/{rest}"),
  template("/**.mpd", "/media/one"),
  {
    match: { prefix: "/weighted" },
    route: {
      weightedClusters: {
        headerName: "x-random",
        clusters: [
          { name: CLUSTER, weight: 1, requestHeadersToAdd: [{ header: { key: "x-choice", value: "first" } }] },
          { clusterHeader: "x-cluster", weight: 1, requestHeadersToAdd: [{ header: { key: "x-choice", value: "second" } }] },
        ],
      },
    },
  },
  at("/", {}),
];

interface Request {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const INSIDE = { "x-forwarded-for": "10.0.0.9" };

const REQUESTS: readonly Request[] = [
  { path: "/overloaded/503/x-envoy-overloaded" },
  { path: "/overloaded/503/x-envoy-ratelimited" },
  { path: "/overloaded/503" },
  { path: "/reset-header/503/once/retry-after" },
  { path: "/request-header/503" },
  { path: "/request-header/503", headers: { "x-idempotent": "1" } },
  { path: "/request-header/503", headers: { ...INSIDE, "x-envoy-retry-on": "5xx" } },
  { path: "/per-try/silent" },
  { path: "/per-try/silent/once" },
  { path: "/idle/silent" },
  { path: "/idle/half" },
  { path: "/hedge/silent/once" },
  { path: "/hedge/silent" },
  { path: "/duration/silent" },
  { path: "/duration/half" },
  { path: "/duration/200", method: "POST", body: "x" },
  { path: "/redirect/302/http://other.test/found?a=b%23c" },
  { path: "/redirect/302/http://other.test/found#fragment", method: "POST", body: "hello" },
  { path: "/redirect/302/http://other.test" },
  { path: "/redirect/302/https://other.test/found" },
  { path: "/redirect/302//relative" },
  { path: "/redirect/301/http://other.test/found" },
  { path: "/redirect/302/http://other.test/redirect/302/http://third.test/found" },
  { path: "/redirect/cross/302/https://other.test/found" },
  { path: "/redirect/copy/303/http://other.test/found", method: "POST", body: "hello" },
  { path: "/redirect/copy/307/http://other.test/found", method: "PUT", body: "hello" },
  { path: "/redirect/twice/302/http://other.test/redirect/twice/302/http://third.test/redirect/twice/302/http://fourth.test/x" },
  { path: "/high/200" },
  { path: "/t/us/en/a/b?q=1" },
  { path: "/t/us/en/" },
  { path: "/x/y/z.mpd?q=1" },
  { path: "/weighted/a", headers: { "x-random": "0" } },
  { path: "/weighted/b", headers: { "x-random": "1", "x-cluster": CLUSTER } },
  { path: "/weighted/c", headers: { "x-random": "18446744073709551615", "x-cluster": "none" } },
  { path: "/virtual/a", headers: { ...INSIDE, "x-envoy-upstream-alt-stat-name": "mine" } },
  { path: "/virtual/b", headers: { "x-envoy-upstream-alt-stat-name": "mine" } },
];

/** The host does what the path says, from behind. `once`: for the first try only. */
function backendAnswer(line: string, tries: Map<string, number>): string | undefined {
  const path = line.split(" ")[1] ?? "";
  const before = tries.get(path) ?? 0;
  tries.set(path, before + 1);
  const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  if (path.includes("/once") && before > 0) return ok;
  if (path.includes("/silent")) return "";
  if (path.includes("/half")) return "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
  const status = /\/(30\d|503)(?:\/(.*))?$/.exec(path.replace(/^(\/redirect(?:\/[a-z]+)?)/, ""));
  if (status === null) return ok;
  const [, code = "", rest = ""] = status;
  const location = code.startsWith("3") ? `location: ${rest.replace(/^(\w)/, "$1")}\r\nx-token: t\r\n` : "";
  const marks = /x-envoy-[a-z]+$/.exec(rest)?.[0];
  const after = rest.includes("retry-after") ? "retry-after: 1\r\n" : "";
  return `HTTP/1.1 ${code} x\r\n${location}${marks === undefined ? "" : `${marks}: true\r\n`}${after}content-length: 0\r\n\r\n`;
}

const SHOWN =
  /^(x-envoy-(original-url|original-path|attempt-count|is-timeout-retry|expected-rq-timeout-ms|upstream-alt-stat-name)|x-token|x-choice|host|content-length)$/;

const OURS = /^(http\.lone|cluster\.outbound|vhost)/;
/** Envoy counts internal and external requests once more by themselves; nothing here does. */
const SPLIT = /\.(internal|external)\.upstream_rq/;

async function outcome(kind: "envoy" | "mizzen"): Promise<unknown> {
  const tries = new Map<string, number>();
  const received: string[][] = [];
  const backend = await startRecordingBackend(({ line, headers, body }) => {
    const shown = headers.filter(([name]) => SHOWN.test(name) && name !== "x-envoy-expected-rq-timeout-ms").map((pair) => pair.join(": "));
    received.at(-1)?.push([line.replace(/ HTTP.*/, ""), ...shown.sort(), body].join(" | "));
    return backendAnswer(line, tries);
  });
  const virtualHost = {
    name: "all",
    domains: ["*"],
    routes: [...ROUTES],
    includeRequestAttemptCount: true,
    includeAttemptCountInResponse: true,
    includeIsTimeoutRetryHeader: true,
    virtualClusters: [{ name: "virtual-a", headers: [{ name: ":path", stringMatch: { prefix: "/virtual/a" } }] }],
  };
  const manager = { internalAddressConfig: { cidrRanges: [{ addressPrefix: "10.0.0.0", prefixLen: 8 }] }, useRemoteAddress: false };
  const proxy = await startLoneProxy(kind, { backendPort: backend.port, virtualHosts: [virtualHost], manager });
  try {
    const seen: unknown[] = [];
    for (const { path, method = "GET", headers, body } of REQUESTS) {
      received.push([]);
      const options = { method, headers: { host: "svc.test", ...headers }, ...(body === undefined ? {} : { body }), timeoutMs: 8000 };
      const answer = await call(`http://127.0.0.1:${proxy.port}${path}`, options).then(
        ({ status, body: text, headers: lines }) =>
          `${status} ${text} ${["location", "x-envoy-attempt-count", "x-token"].map((name) => String(lines[name] ?? "-")).join(" ")}`,
        () => "broken",
      );
      seen.push([`${method} ${path}`, answer, ...(received.at(-1) ?? [])]);
    }
    await eventually("everything is logged", 30_000, () => (proxy.log().at(-1)?.startsWith("/virtual/b ") === true ? true : undefined));
    const stats = await proxy.stats(
      /(internal_redirect|retry|per_try|max_duration|vcluster|upstream_rq_timeout$|\.mine\.|circuit_breakers\.high|rq_total$)/,
    );
    const log = proxy.log();
    return {
      seen,
      log,
      stats: Object.fromEntries([...stats].filter(([name, value]) => value > 0 && OURS.test(name) && !SPLIT.test(name))),
    };
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

test("routes do what Envoy's do", async () => {
  const [envoy, ours] = await Promise.all([outcome("envoy"), outcome("mizzen")]);
  assert.deepEqual(ours, envoy);
});
