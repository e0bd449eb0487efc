// Every answer that the proxy gives itself: cause -> status, response flag, details, body. One table, Envoy's texts; nobody else
// makes up a status for a failure.
import type { TransportFailure } from "#proxy/net/connection";
import type { HeaderMutation } from "#proxy/route/route";
import type { LocalReply } from "./filter.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import type { ResponseFlag, StreamInfo } from "./stream-info.ts";
import type { StreamResetReason } from "./stream.ts";

/** Changes an answer before anybody sees it; `headers` are applied to what comes of it. */
export type LocalReplyMap = (
  reply: LocalReply,
  info: StreamInfo,
) => { readonly reply: LocalReply; readonly headers: HeaderMutation | undefined };

function reply(status: number, body: string, flag: ResponseFlag | undefined, details: string): LocalReply {
  return Object.freeze({ kind: "local-reply", status, body, flag, details });
}

export const LOCAL_REPLIES = {
  routeNotFound: reply(404, "", "NR", "route_not_found"),
  noHealthyUpstream: reply(503, "no healthy upstream", "UH", "no_healthy_upstream"),
  responseTimeout: reply(504, "upstream request timeout", "UT", "response_timeout"),
  perTryTimeout: reply(504, "upstream request timeout", "UT", "upstream_per_try_timeout"),
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
  "connection-failure": { status: 503, flag: "UF", text: "remote connection failure" },
  "connection-timeout": { status: 503, flag: "UF", text: "connection timeout" },
  "connection-termination": { status: 503, flag: "UC", text: "connection termination" },
  overflow: { status: 503, flag: "UO", text: "overflow" },
  "protocol-error": { status: 502, flag: "UPE", text: "protocol error" },
  "local-reset": { status: 503, flag: "LR", text: "local reset" },
};

const OVERLOADED: NonNullable<LocalReply["headers"]> = [["x-envoy-overloaded", "true"]];

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
      return `delayed connect error: ${failure.detail}`;
    case "reset":
    case "io-error":
    case "tls-failed":
      return failure.detail;
  }
}

/** `application/grpc`, also with `+proto` and the like behind it. */
export function isGrpcRequest(headers: RequestHeaderMap): boolean {
  const type = headers.get("content-type");
  if (type === undefined || !type.startsWith("application/grpc")) return false;
  return type.length === 16 || type.charCodeAt(16) === 43;
}

/** The gRPC status for an HTTP status (gRPC's own table, as Envoy uses it). */
export function grpcStatusOf(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** RFC 3986 percent encoding of what gRPC does not allow in grpc-message: all but printable ASCII, and "%". */
export function grpcMessage(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
