// The routes of all acts: when a request is tried again, and how long it may take.
import type { JsonObject } from "@bufbuild/protobuf";

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const BACK_OFF = { baseInterval: "0.02s", maxInterval: "0.02s" };
const route = (prefix: string, retryOn?: string, more: JsonObject = {}): JsonObject => ({
  match: { prefix },
  route: {
    cluster: CLUSTER,
    timeout: "0s",
    ...(retryOn === undefined ? {} : { retryPolicy: { retryOn, numRetries: 2, retryBackOff: BACK_OFF } }),
    ...more,
  },
});

export const ROUTES: readonly JsonObject[] = [
  route("/retry/", "5xx,reset,connect-failure"),
  // Istio's default.
  route("/istio/", "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"),
  route("/before/", "reset-before-request"),
  route("/patient/", undefined, {
    retryPolicy: { retryOn: "5xx", numRetries: 2, retryBackOff: { baseInterval: "10s", maxInterval: "10s" } },
  }),
  route("/short/", undefined, { timeout: "0.3s" }),
  route("/tries/", undefined, { retryPolicy: { retryOn: "5xx", numRetries: 1, perTryTimeout: "0.3s", retryBackOff: BACK_OFF } }),
  route("/idle/", undefined, { idleTimeout: "0.3s" }),
  route("/"),
];

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Fields of a cluster whose hosts speak HTTP/2. */
export const http2Hosts = (http2ProtocolOptions: JsonObject = {}): JsonObject => ({
  typedExtensionProtocolOptions: {
    [OPTIONS]: { "@type": `type.googleapis.com/${OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions } },
  },
});
