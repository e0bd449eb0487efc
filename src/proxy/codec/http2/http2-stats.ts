// Envoy's `http2.*` statistics that a session counts itself, by name. Those of the connection around it (keepalive_timeout,
// tx_flush_timeout, the ones about underscores) are counted by their owners.

export const HTTP2_COUNTERS = [
  "goaway_graceful_sent",
  "goaway_sent",
  "header_overflow",
  "headers_cb_no_stream",
  "inbound_empty_frames_flood",
  "inbound_priority_frames_flood",
  "inbound_window_update_frames_flood",
  "outbound_control_flood",
  "outbound_flood",
  "rx_messaging_error",
  "rx_reset",
  "stream_refused_errors",
  "trailers",
  "tx_reset",
] as const;

export const HTTP2_GAUGES = ["pending_send_bytes", "streams_active"] as const;

export type Http2Counter = (typeof HTTP2_COUNTERS)[number];

export type Http2Stats = { readonly [name in Http2Counter]: { inc(): void } } & {
  readonly [name in (typeof HTTP2_GAUGES)[number]]: { add(change: number): void };
};
