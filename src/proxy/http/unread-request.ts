// Bytes that never became a request, but were answered: no stream came of them, yet somebody will look for them in the access log.
import { reasonPhrase } from "#proxy/codec/http1/head-text";
import { HTTP1_ERRORS } from "#proxy/codec/http1/http1-error";
import type { Http1Error } from "#proxy/codec/http1/http1-error";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { LocalReply } from "./filter.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import { StreamRecord } from "./stream-record.ts";

/** What the client is told. */
export function codecErrorReply(error: Http1Error, runtime: HcmRuntime): Pick<LocalReply, "status" | "body" | "headers"> {
  // Envoy's codec says in the body what the status means. These two are its connection manager's business, which says nothing.
  const silent = error === HTTP1_ERRORS.noHost || error === HTTP1_ERRORS.fragment;
  const body = silent ? "" : error === HTTP1_ERRORS.headTimeout ? "request header timeout" : reasonPhrase(error.status);
  const headers: [string, string][] = [["date", runtime.httpDate()]];
  if (runtime.config.serverHeader !== "pass-through") headers.push(["server", runtime.config.serverName]);
  return { status: error.status, body, headers };
}

/** Envoy counts it as a request that was reset. */
export function recordUnreadRequest(error: Http1Error, bodyBytes: number, connection: ConnectionInfo, runtime: HcmRuntime): void {
  const { stats, accessLogger, thread } = runtime;
  stats.rqTotal.inc();
  stats.rqHttp1Total.inc();
  stats.rqRxReset.inc();
  stats.rqResponseBeforeComplete.inc();
  stats.rqCodes.charge(error.status);
  const nowMs = thread.clock.monotonicMs();
  const info = new StreamRecord(thread.clock.wallMs(), nowMs, connection);
  info.endMs = nowMs;
  info.responseCode = error.status;
  info.responseCodeDetails = error.details;
  info.bytesSent = bodyBytes;
  if (error !== HTTP1_ERRORS.headTimeout) info.flags.add("DPE");
  accessLogger?.log(info);
}
