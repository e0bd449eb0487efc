// Every answer that the proxy gives itself: cause -> status, response flag, details, body. One table, Envoy's texts; nobody else
// makes up a status for a failure.
import type { TransportFailure } from "#proxy/net/connection";
import type { LocalReply } from "./filter.ts";
import type { ResponseHeaderMap } from "./header-map.ts";
import type { ResponseFlag, StreamInfo } from "./stream-info.ts";
import type { StreamResetReason } from "./stream.ts";
import type { ThreadContext } from "#proxy/thread-context";

/** Changes an answer, and its headers, before anybody sees it. */
export type LocalReplyMap = (
  reply: LocalReply,
  info: StreamInfo,
  headers: ResponseHeaderMap,
  thread: Pick<ThreadContext, "runtime" | "random">,
) => LocalReply;

function reply(status: number, body: string, flag: ResponseFlag | undefined, details: string): LocalReply {
  return Object.freeze({ kind: "local-reply", status, body, flag, details });
}

/** gRPC's status when the time of a whole stream is over; the router's timeouts are Unavailable, as their 504 says. */
const DEADLINE_EXCEEDED = 4;

export const LOCAL_REPLIES = {
  routeNotFound: reply(404, "", "NR", "route_not_found"),
  noHealthyUpstream: reply(503, "no healthy upstream", "UH", "no_healthy_upstream"),
  responseTimeout: reply(504, "upstream request timeout", "UT", "response_timeout"),
  perTryTimeout: reply(504, "upstream request timeout", "UT", "upstream_per_try_timeout"),
  perTryIdleTimeout: reply(504, "upstream request timeout", "UT", "upstream_per_try_idle_timeout"),
  upstreamMaxDuration: reply(504, "upstream max stream duration reached", "UMSDR", "upstream_max_stream_duration_reached"),
  upstreamMaxDurationInRequest: reply(408, "upstream max stream duration reached", "UMSDR", "upstream_max_stream_duration_reached"),
  upgradeFailed: reply(403, "", undefined, "upgrade_failed"),
  missingHost: reply(400, "", undefined, "missing_host_header"),
  underscoreInHeader: reply(400, "Bad Request", undefined, "http1.unexpected_underscore"),
  missingPath: reply(404, "", undefined, "missing_path_rejected"),
  absolutePath: reply(404, "", undefined, "absolute_path_rejected"),
  pathNormalizationFailed: reply(400, "", undefined, "path_normalization_failed"),
  http10NotAllowed: reply(426, "Upgrade Required", undefined, "low_version"),
  requestPayloadTooLarge: reply(413, "Payload Too Large", undefined, "request_payload_too_large"),
  requestTimeout: reply(408, "request timeout", undefined, "request_overall_timeout"),
  /** The request had not come in full. */
  streamIdleTimeoutInRequest: reply(408, "stream timeout", "SI", "stream_idle_timeout"),
  streamIdleTimeout: reply(504, "stream timeout", "SI", "stream_idle_timeout"),
  maxDurationInRequest: { ...reply(408, "downstream duration timeout", undefined, "max_duration_timeout"), grpcStatus: DEADLINE_EXCEEDED },
  maxDuration: { ...reply(504, "downstream duration timeout", undefined, "max_duration_timeout"), grpcStatus: DEADLINE_EXCEEDED },
  retryBufferExceeded: reply(
    507,
    "exceeded request buffer limit while retrying upstream",
    undefined,
    "request_payload_exceeded_retry_buffer_limit",
  ),
  internalError: reply(500, "", undefined, "internal_error"),
} as const;

export function clusterNotFound(status: number): LocalReply {
  return reply(status, "", "NC", "cluster_not_found");
}

interface ResetRow {
  readonly status: number;
  readonly flag: ResponseFlag;
  /** Envoy's words for the reason, in bodies and, with "_" for spaces, in details. */
  readonly text: string;
}

/** Upstream resets before the response has begun. */
const UPSTREAM_RESETS: Readonly<Record<StreamResetReason, ResetRow>> = {
  "remote-reset": { status: 503, flag: "UR", text: "remote reset" },
  "remote-refused": { status: 503, flag: "UR", text: "remote refused stream reset" },
  "connect-error": { status: 503, flag: "UR", text: "remote error with CONNECT request" },
  "connection-failure": { status: 503, flag: "UF", text: "remote connection failure" },
  "local-connection-failure": { status: 503, flag: "UF", text: "local connection failure" },
  "connection-timeout": { status: 503, flag: "UF", text: "connection timeout" },
  "connection-termination": { status: 503, flag: "UC", text: "connection termination" },
  overflow: { status: 503, flag: "UO", text: "overflow" },
  "protocol-error": { status: 502, flag: "UPE", text: "protocol error" },
  "local-reset": { status: 503, flag: "LR", text: "local reset" },
};

const OVERLOADED: NonNullable<LocalReply["headers"]> = [["x-envoy-overloaded", "true"]];

/** ClusterLoadAssignment.policy.drop_overloads. `all`: nothing is let through. */
export function overloadReply(all: boolean, tells: boolean): LocalReply {
  const made = all
    ? reply(503, "unconditional drop overload", "UDO", "unconditional_drop_overload")
    : reply(503, "drop overload", "DO", "drop_overload");
  if (!tells) return made;
  return { ...made, headers: [[all ? "x-envoy-unconditional-drop-overload" : "x-envoy-drop-overload", "true"]] };
}

/** upstream.maintenance_mode at runtime. `tells`: the answer says that it is no failure of the upstream. */
export function maintenanceReply(tells: boolean): LocalReply {
  const made = reply(503, "maintenance mode", "UO", "maintenance_mode");
  return tells ? { ...made, headers: OVERLOADED } : made;
}

/** What the client is told when the last try ended in a reset. `failure` is Envoy's transport failure reason, "" when there is none. */
export function upstreamReset(reason: StreamResetReason, failure: string, retried: boolean, responseStarted: boolean): LocalReply {
  const { status, flag, text } = UPSTREAM_RESETS[reason];
  const start = responseStarted ? "upstream_reset_after_response_started" : "upstream_reset_before_response_started";
  const details = `${start}{${text}${failure === "" ? "" : `|${failure}`}}`.replaceAll(/\s/g, "_");
  const body = `upstream connect error or disconnect/reset before headers. ${retried ? "retried and the latest " : ""}reset reason: ${text}`;
  const made = reply(status, body, flag, details);
  return reason === "overflow" ? { ...made, headers: OVERLOADED } : made;
}

/** Envoy's words for what the socket said: `%UPSTREAM_TRANSPORT_FAILURE_REASON%`. */
export function transportFailureReason(failure: TransportFailure | undefined): string {
  switch (failure?.kind) {
    case undefined:
    case "connect-timeout":
      return "";
    case "connect-refused":
      return "delayed connect error: Connection refused";
    case "connect-failed":
    case "local":
    case "reset":
    case "io-error":
    case "tls-failed":
      return failure.detail;
  }
}

export function withAttemptCount(reply: LocalReply, attempts: number): LocalReply {
  return { ...reply, headers: [...(reply.headers ?? []), ["x-envoy-attempt-count", String(attempts)] as const] };
}
