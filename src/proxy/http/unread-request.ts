// Bytes that never became a request: no stream came of them, yet somebody will look for them in the access log.
import { reasonPhrase } from "#proxy/codec/http1/head-text";
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { LocalReply } from "./filter.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import { StreamRecord } from "./stream-record.ts";
import type { HttpVersion } from "./stream.ts";

/** What the client is told. */
export function codecErrorReply(error: Http1Error, runtime: HcmRuntime): Pick<LocalReply, "status" | "body" | "headers"> {
  // Envoy's codec says in the body what the status means. These two are its connection manager's business, which says nothing.
  const silent = error === HTTP1_ERRORS.noHost || error === HTTP1_ERRORS.fragment;
  const body = silent ? "" : error === HTTP1_ERRORS.headTimeout ? "request header timeout" : reasonPhrase(error.status);
  const headers: [string, string][] = [["date", runtime.httpDate()]];
  if (runtime.config.serverHeader !== "pass-through") headers.push(["server", runtime.config.serverName]);
  return { status: error.status, body, headers };
}

/** Envoy counts them as requests that were reset. */
function countUnread(info: StreamRecord, { stats, accessLogger }: HcmRuntime): void {
  stats.rqTotal.inc();
  (info.protocol === "HTTP/2" ? stats.rqHttp2Total : stats.rqHttp1Total).inc();
  stats.rqRxReset.inc();
  info.accessLogType = "DownstreamEnd";
  accessLogger?.log(info);
}

function unreadRecord(details: string, connection: ConnectionInfo, { clock }: HcmRuntime["thread"]): StreamRecord {
  const nowMs = clock.monotonicMs();
  const info = new StreamRecord(clock.wallMs(), nowMs, connection);
  info.endMs = nowMs;
  info.responseCodeDetails = details;
  return info;
}

/** What was answered with an error of the HTTP/1 codec. */
export function recordUnreadRequest(error: Http1Error, bodyBytes: number, connection: ConnectionInfo, runtime: HcmRuntime): void {
  const info = unreadRecord(error.details, connection, runtime.thread);
  info.responseCode = error.status;
  info.bytesSent = bodyBytes;
  if (error !== HTTP1_ERRORS.headTimeout) info.flags.add("DPE");
  runtime.stats.rqResponseBeforeComplete.inc();
  runtime.stats.rqCodes.charge(error.status);
  countUnread(info, runtime);
}

/** The client left before its head was whole: a request to Envoy, from its first byte on. */
export function recordAbandonedHead(protocol: HttpVersion, connection: ConnectionInfo, runtime: HcmRuntime): void {
  const info = unreadRecord("downstream_remote_disconnect", connection, runtime.thread);
  info.protocol = protocol;
  info.flags.add("DC");
  countUnread(info, runtime);
}

/** What the HTTP/2 codec refused: limits are the client's own reset to Envoy, rules are broken protocol. */
export function recordUnfitHead(details: string, connection: ConnectionInfo, runtime: HcmRuntime): void {
  const info = unreadRecord(details, connection, runtime.thread);
  info.protocol = "HTTP/2";
  info.flags.add(details === "http2.header_list_size_too_large" || details === "http2.too_many_headers" ? "DR" : "DPE");
  countUnread(info, runtime);
}
