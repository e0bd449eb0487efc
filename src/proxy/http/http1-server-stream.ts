// The response side of one request on an HTTP/1 connection. It decides how the body is framed and holds the sender to it: a body that
// does not match its Content-Length would shift every later response of the connection.
import { CHUNKED_LINE, CLOSE_LINE, KEEP_ALIVE_LINE, NO_BODY_LINE, lastChunkWithTrailers, statusLine } from "#proxy/codec/http1/head-text";
import type { RequestHead } from "#proxy/codec/http1/request-head";
import { parseLength } from "#proxy/codec/http1/request-head";
import { invariant } from "#runtime/invariant";
import type { ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { Http1Output } from "./http1-output.ts";
import type { Http1ServerConnection } from "./http1-server.ts";
import type { ServerStream } from "./server-codec.ts";
import type { HttpVersion, StreamResetReason } from "./stream.ts";

type Framing = "none" | "length" | "chunked" | "until-close" | "opaque";

export class Http1ServerStream implements ServerStream {
  readonly httpVersion: HttpVersion;
  /** An upgrade or a CONNECT: the connection may become opaque, and serves no further request either way. */
  readonly opaqueLater: boolean;
  readonly #server: Http1ServerConnection;
  readonly #output: Http1Output;
  readonly #headRequest: boolean;
  readonly #connectRequest: boolean;
  readonly #clientKeepsAlive: boolean;
  #state: "waiting" | "started" | "done" = "waiting";
  #framing: Framing = "none";
  #remaining = 0;
  #closes = false;
  #pauses = 0;

  constructor(server: Http1ServerConnection, output: Http1Output, head: RequestHead, opaqueLater: boolean) {
    this.#server = server;
    this.#output = output;
    this.httpVersion = head.minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0";
    this.opaqueLater = opaqueLater;
    this.#headRequest = head.method === "HEAD";
    this.#connectRequest = head.method === "CONNECT";
    // RFC 9112 9.3: persistence is the default of 1.1, and an offer of the client in 1.0.
    this.#clientKeepsAlive = !head.close && (head.minorVersion === 1 || head.keepAlive);
  }

  get responseStarted(): boolean {
    return this.#state !== "waiting";
  }

  get finished(): boolean {
    return this.#state === "done";
  }

  get opaque(): boolean {
    return this.#framing === "opaque";
  }

  /** The connection ends with this response. */
  get closes(): boolean {
    return this.#closes;
  }

  /** The client has said that it sends no other request. */
  get lastOfClient(): boolean {
    return !this.#clientKeepsAlive && !this.opaqueLater;
  }

  closeAfterResponse(): void {
    this.#closes = true;
  }

  sendInformational(headers: ResponseHeaderMap): void {
    invariant(headers.status < 200 && headers.status !== 101, "an informational response is 1xx but 101");
    // RFC 9110 15.2: not for HTTP/1.0 clients.
    if (this.#state !== "waiting" || this.httpVersion === "HTTP/1.0") return;
    this.#output.text(`${statusLine(headers.status)}${headers.toHttp1()}\r\n`);
  }

  sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#state === "done") return;
    invariant(this.#state === "waiting", "response headers are sent twice");
    this.#state = "started";
    const framingLine = this.#frame(headers, endStream);
    let connectionLine = "";
    if (this.#framing !== "opaque") {
      const asked = headers.get("connection");
      // A request that is still coming when its answer is over will not be waited for.
      if (asked?.toLowerCase() === "close" || this.#server.announced || !this.#clientKeepsAlive || this.#framing === "until-close")
        this.#closes = true;
      if (endStream && !this.#server.requestDone && !this.#server.consuming) this.#closes = true;
      if (this.#closes || this.opaqueLater) connectionLine = asked === undefined ? CLOSE_LINE : "";
      else if (this.httpVersion === "HTTP/1.0") connectionLine = KEEP_ALIVE_LINE;
    }
    this.#output.text(`${statusLine(headers.status)}${headers.toHttp1()}${framingLine}${connectionLine}\r\n`);
    if (this.#framing === "opaque") this.#server.becomeOpaque();
    if (endStream) this.#finish();
  }

  /** Chooses the framing; returns the header line that says so where the headers do not. */
  #frame(headers: ResponseHeaderMap, endStream: boolean): string {
    const { status } = headers;
    if (status === 101 || (this.#connectRequest && status >= 200 && status < 300)) {
      invariant(this.opaqueLater, "101 without an upgrade in the request");
      headers.remove("content-length");
      this.#framing = "opaque";
      return "";
    }
    if (status === 204) headers.remove("content-length");
    if (status === 204 || status === 304) return "";
    // A guess at what GET would get, as Envoy makes it; nothing follows either way.
    if (this.#headRequest) return headers.has("content-length") || this.httpVersion === "HTTP/1.0" ? "" : CHUNKED_LINE;
    const length = headers.get("content-length");
    if (length !== undefined) {
      this.#remaining = parseLength(length);
      invariant(this.#remaining >= 0, "the content-length of a response is not a number");
      this.#framing = "length";
      return "";
    }
    if (endStream) return NO_BODY_LINE;
    if (this.httpVersion === "HTTP/1.0") {
      this.#framing = "until-close";
      return "";
    }
    this.#framing = "chunked";
    return CHUNKED_LINE;
  }

  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#state === "done") return true;
    invariant(this.#state === "started", "response data before headers");
    let flowing = true;
    switch (this.#framing) {
      case "none":
        break;
      case "length":
        if (chunk.length > this.#remaining) {
          // More than was announced: what fits is out, the rest would be read as the next response.
          this.#state = "done";
          this.#server.abort(this, "reset");
          return true;
        }
        this.#remaining -= chunk.length;
        flowing = this.#output.bytes(chunk);
        break;
      case "chunked":
        flowing = this.#output.chunk(chunk, endStream);
        break;
      case "until-close":
      case "opaque":
        flowing = this.#output.bytes(chunk);
        break;
    }
    if (endStream) this.#finish();
    return flowing;
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#state === "done") return;
    // Only chunked framing has a place for trailers; elsewhere they are left out, as HTTP/1.0 clients expect.
    if (this.#framing === "chunked") this.#output.text(lastChunkWithTrailers(trailers.toHttp1()));
    this.#finish();
  }

  #finish(): void {
    if (this.#framing === "opaque") {
      this.#state = "done";
      this.#server.endOpaque();
      return;
    }
    this.#state = "done";
    if (this.#framing === "length" && this.#remaining > 0) this.#server.abort(this, "reset");
    else this.#server.responseDone(this);
  }

  reset(_reason: StreamResetReason): void {
    if (this.#state === "done" && !this.opaque) return;
    // What is out already arrives; only a body that ends with its connection would look complete then.
    const looksWhole = this.#state === "started" && this.#framing === "until-close";
    this.#state = "done";
    this.#server.abort(this, looksWhole ? "reset" : "flush");
  }

  pauseReading(): void {
    if (this.#state === "done" && !this.opaque) return;
    this.#pauses++;
    this.#server.connection.pauseReading("backpressure");
  }

  resumeReading(): void {
    if (this.#pauses === 0) return;
    this.#pauses--;
    this.#server.connection.resumeReading("backpressure");
  }

  /** The next request must not stay paused for this one. */
  releasePauses(): void {
    while (this.#pauses > 0) this.resumeReading();
  }

  /** The connection is gone: calls that come late do nothing. */
  abandon(): void {
    this.#state = "done";
    this.#framing = "none";
    this.#pauses = 0;
  }
}
