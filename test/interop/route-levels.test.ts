// What routes have of their virtual host and table, or of their own over the connection manager: copies, limits of what is kept for another
// try, path parameters, sampling.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { CLUSTER, router, seenBy } from "./side-by-side.ts";
import type { SideBySide } from "./side-by-side.ts";

const route = (prefix: string, action: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  match: { prefix },
  route: { cluster: CLUSTER, ...action },
  ...more,
});
const hosts = (routes: JsonObject[], more: JsonObject = {}): JsonObject[] => [{ name: "all", domains: ["*"], routes, ...more }];
const retry: JsonObject = { retryPolicy: { retryOn: "5xx", numRetries: 1, retryBackOff: { baseInterval: "0.02s" } } };
const unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const chunked = { "transfer-encoding": "chunked" };
const numerator = (of: number, denominator = "HUNDRED"): JsonObject => ({ numerator: of, denominator });
/** Place 8,743 of 10,000. */
const requestId = { "x-request-id": "01234567-89ab-4def-8123-456789abcdef" };

const internal: JsonObject = { internalAddressConfig: { cidrRanges: [{ addressPrefix: "127.0.0.0", prefixLen: 8 }] } };
const said = (expected: string, own?: string): Readonly<Record<string, string>> => ({
  "x-envoy-expected-rq-timeout-ms": expected,
  ...(own === undefined ? {} : { "x-envoy-upstream-rq-timeout-ms": own }),
});

const CASES: Readonly<Record<string, SideBySide>> = {
  "per_request_buffer_limit_bytes gives another try up": {
    proxy: {
      virtualHosts: hosts([route("/five", retry, { perRequestBufferLimitBytes: 5 }), route("/", retry)], {
        perRequestBufferLimitBytes: 10,
      }),
    },
    asks: ["/five", "/ten"].flatMap((path) =>
      ["four", "eightish", "more than ten of them"].map((body) => ({ method: "POST", path, body, headers: chunked })),
    ),
    backend: () => unavailable,
    headers: /^x-none$/,
    stats: /local\.(upstream_rq_retry|retry_or_shadow_abandoned|upstream_rq_total)$/,
  },
  ...Object.fromEntries(
    [true, false].map((respectExpectedRqTimeout) => [
      `respect_expected_rq_timeout: ${respectExpectedRqTimeout}`,
      {
        proxy: {
          manager: { ...internal, httpFilters: [router({ respectExpectedRqTimeout })] },
          virtualHosts: hosts([route("/", { timeout: "7s" })]),
        },
        asks: [{}, { headers: said("5000") }, { headers: said("5000", "6000") }, { headers: said("no", "6000") }, { headers: said("0") }],
        headers: /^x-envoy-(expected|upstream)-rq-timeout-ms$/,
      },
    ]),
  ),
  "tracing of a route says who is sampled": {
    proxy: {
      manager: { preserveExternalRequestId: true, tracing: { randomSampling: { value: 0 } } },
      virtualHosts: hosts([
        route("/all", {}, { tracing: {} }),
        route("/part", {}, { tracing: { randomSampling: numerator(44), overallSampling: numerator(8744, "TEN_THOUSAND") } }),
        route("/less", {}, { tracing: { randomSampling: numerator(43) } }),
        route("/asked", {}, { tracing: { clientSampling: numerator(100), randomSampling: numerator(0) } }),
        route("/none", {}, { tracing: { overallSampling: numerator(0) } }),
        route("/"),
      ]),
    },
    asks: ["/all", "/part", "/less", "/asked", "/none", "/"].flatMap((path) => [
      { path, headers: requestId },
      { path, headers: { ...requestId, "x-client-trace-id": "a" } },
    ]),
    headers: /^x-request-id$/,
    stats: /lone\.tracing\./,
  },
};

for (const [what, scene] of Object.entries(CASES)) {
  test(`routes have it as Envoy's: ${what}`, async () => {
    const [envoy, ours] = await Promise.all([seenBy("envoy", scene), seenBy("mizzen", scene)]);
    assert.deepEqual(ours, envoy);
  });
}
