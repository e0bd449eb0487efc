// What outlier detection makes of a gRPC answer: its HTTP status is 200 even where it failed.
import type { Host } from "#proxy/cluster/cluster";
import type { ResponseHeaderMap } from "#proxy/http/header-map";

/** By gRPC status, google.rpc.Code's mapping. */
const HTTP_STATUS = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The HTTP status that stands for the answer. Only a status in headers counts; one in trailers comes too late for that. */
export function grpcOutcome(headers: ResponseHeaderMap): number {
  const text = headers.get("grpc-status");
  if (text === undefined) return headers.status;
  return (/^\d+$/.test(text) ? HTTP_STATUS[Number(text)] : undefined) ?? 500;
}

/** Outlier detection and health checking learn from the answer. */
export function noteHostAnswer(host: Host, headers: ResponseHeaderMap, grpc: boolean): void {
  host.outlierMonitor?.putStatus(grpc ? grpcOutcome(headers) : headers.status);
  if (host.healthMonitor !== undefined && headers.has("x-envoy-immediate-health-check-fail")) host.healthMonitor.setUnhealthy();
}
