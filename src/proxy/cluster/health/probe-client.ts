// HTTP of either version over a connection that a health check opened.
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { Http2ClientConnection } from "#proxy/http/http2-client";
import { readHttp2Options } from "#proxy/http/http2-options";
import type { Connection } from "#proxy/net/connection";
import type { ProbeContext } from "./probe.ts";

const MAX_HEAD_BYTES = 60 * 1024;
const MAX_HEADERS = 100;
const HTTP2_DEFAULTS = readHttp2Options(undefined, "", () => {});

export function probeClient(http2: boolean, connection: Connection, context: ProbeContext, owner: HttpClientOwner): HttpClientConnection {
  if (!http2) return new Http1ClientConnection(connection, { maxHeadBytes: MAX_HEAD_BYTES, maxHeaders: MAX_HEADERS }, owner);
  const { clock, random, http2Stats } = context;
  const options = {
    http2: HTTP2_DEFAULTS,
    maxHeadersBytes: MAX_HEAD_BYTES,
    maxHeadersCount: MAX_HEADERS,
    streamBufferBytes: MAX_HEAD_BYTES,
  };
  return new Http2ClientConnection(connection, { ...options, clock, random, stats: http2Stats() }, owner);
}
