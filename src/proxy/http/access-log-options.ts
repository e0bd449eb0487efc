// When a connection manager logs beside the end of each stream: as it begins, and from time to time while it lasts.
import type { HttpConnectionManager } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { durationMs } from "#envoy/duration";

export interface AccessLogOptions {
  /** 0: never. */
  readonly flushIntervalMs: number;
  readonly logsNewRequests: boolean;
}

/** Two fields of old say the same, and only they or the message may. Undefined: streams are logged at their end alone. */
export function readAccessLogOptions(
  wire: HttpConnectionManager,
  refuse: (path: string, message: string) => void,
): AccessLogOptions | undefined {
  const { accessLogOptions: options, accessLogFlushInterval: old, flushAccessLogOnNewRequest: oldNew } = wire;
  if (options !== undefined && (old !== undefined || oldNew))
    refuse("access_log_options", "is set beside access_log_flush_interval or flush_access_log_on_new_request");
  const intervalMs = durationMs(options === undefined ? old : options.accessLogFlushInterval);
  if (intervalMs !== undefined && intervalMs < 1)
    refuse(options === undefined ? "access_log_flush_interval" : "access_log_options.access_log_flush_interval", "must be at least 1ms");
  const logsNewRequests = options?.flushAccessLogOnNewRequest ?? oldNew;
  return intervalMs === undefined && !logsNewRequests ? undefined : { flushIntervalMs: intervalMs ?? 0, logsNewRequests };
}
