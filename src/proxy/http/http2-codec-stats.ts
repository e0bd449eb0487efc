// Envoy's `http2.*` statistics: those that a session counts, and those of the connection around it. Downstream they stand at the root, where
// all connection managers share them; upstream each cluster has its own.
import { HTTP2_COUNTERS, HTTP2_GAUGES } from "#proxy/codec/http2/http2-stats";
import type { Http2Stats } from "#proxy/codec/http2/http2-stats";
import type { Counter, StatsScope } from "#telemetry/stats/store";

const AROUND = [
  "dropped_headers_with_underscores",
  "keepalive_timeout",
  "metadata_empty_frames",
  "requests_rejected_with_underscores_in_headers",
  "tx_flush_timeout",
] as const;

export type Http2CodecStats = Http2Stats & { readonly [name in (typeof AROUND)[number]]: Counter };

/** Makes all of them, as Envoy does with the first HTTP/2 connection. */
export function http2CodecStats(scope: StatsScope): Http2CodecStats {
  const made = [
    ...[...HTTP2_COUNTERS, ...AROUND].map((name) => [name, scope.counter("http2", name)] as const),
    ...HTTP2_GAUGES.map((name) => [name, scope.gauge("http2", name)] as const),
  ];
  return Object.fromEntries(made) as unknown as Http2CodecStats;
}
