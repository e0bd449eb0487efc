// The one stream interface of both HTTP versions, seen from the middle of the proxy. A codec connection (http1-server, http1-client,
// later http2) sits outside; connection manager and router inside. Nothing above the codec asks for the version except where Envoy does.
//
//   downstream codec --RequestReceiver--> connection manager, filters, router --RequestSender--> upstream codec
//                    <--ResponseSender---                                     <--ResponseReceiver--
//
// Bodies: a chunk passed to on...Data or sendData is valid until the call returns; who holds on to it (a queue) asks `own` of
// net/read-buffer.ts for bytes that stay, within that call. Heads outlive the read: a codec hands out header maps whose bytes are stream-owned.
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";

export type HttpVersion = "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";

/** Why a stream ended without its last byte. One table (local-reply.ts) maps it to status, response flag and metric. */
export type StreamResetReason =
  | "remote-reset" // the peer reset the stream; of clients also: it closed the connection in the middle of a message
  | "remote-refused" // HTTP/2 REFUSED_STREAM: certainly not processed
  | "connect-error" // HTTP/2 CONNECT_ERROR: what a tunnel led to is lost
  | "connection-failure" // could not connect
  | "local-connection-failure" // this machine did not let it begin
  | "connection-timeout"
  | "connection-termination" // the upstream connection ended with the stream on it
  | "overflow" // a limit of ours
  | "protocol-error" // the peer's bytes are not HTTP, or it says so of ours by HTTP/2 PROTOCOL_ERROR
  | "local-reset"; // we gave up: timeout, downstream gone

/** Implemented by connection manager (downstream) and called by the downstream codec. Calls come in the order headers, data*, trailers?. */
export interface RequestReceiver {
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void;
  onRequestData(chunk: Buffer, endStream: boolean): void;
  onRequestTrailers(trailers: TrailerMap): void;
  /** The client went away or broke the protocol; nothing can be answered any more, but for what the codec says: `answeredWith`, 0 for nothing. */
  onRequestReset(reason: StreamResetReason, details: string, answeredWith?: number): void;
  /** What was sent has left the buffers: `sendData` may go on. */
  onResponseDrain(): void;
}

/** Implemented by the downstream codec, called by the connection manager. */
export interface ResponseSender {
  /** A 100 Continue or another 1xx but 101. */
  sendInformational(headers: ResponseHeaderMap): void;
  sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void;
  /** False: over the watermark; wait for onResponseDrain. The chunk is taken. */
  sendData(chunk: Uint8Array, endStream: boolean): boolean;
  sendTrailers(trailers: TrailerMap): void;
  /** Ends the stream at once: HTTP/1 closes the connection. */
  reset(reason: StreamResetReason): void;
  /** Stops and resumes request body reading (backpressure). */
  pauseReading(): void;
  resumeReading(): void;
}

/** Implemented by the router, called by the upstream codec. */
export interface ResponseReceiver {
  onInformational(headers: ResponseHeaderMap): void;
  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void;
  onResponseData(chunk: Buffer, endStream: boolean): void;
  onResponseTrailers(trailers: TrailerMap): void;
  onResponseReset(reason: StreamResetReason, details: string): void;
  onRequestDrain(): void;
}

/** Implemented by the upstream codec, called by the router. One per try. */
export interface RequestSender {
  /** Of the upstream connection; undefined: it is the bytes of a tunnel. */
  readonly version: HttpVersion | undefined;
  sendHeaders(headers: RequestHeaderMap, endStream: boolean): void;
  sendData(chunk: Uint8Array, endStream: boolean): boolean;
  sendTrailers(trailers: TrailerMap): void;
  /** Gives the stream up: HTTP/1 closes the connection. No callback comes after it. */
  reset(reason: StreamResetReason): void;
  pauseReading(): void;
  resumeReading(): void;
}
