// The request side of one exchange on an upstream HTTP/1 connection. Like its downstream sibling it holds the body to its framing: one
// byte too many would be the start of somebody else's request.
import { CHUNKED_LINE, NO_BODY_LINE, lastChunkWithTrailers, requestLine } from "#proxy/codec/http1/head-text";
import { parseLength } from "#proxy/codec/http1/request-head";
import { invariant } from "#runtime/invariant";
import { checkTarget } from "./header-text.ts";
import type { RequestHeaderMap, TrailerMap } from "./header-map.ts";
import type { Http1ClientConnection } from "./http1-client.ts";
import type { Http1Output } from "./http1-output.ts";
import type { HttpVersion, RequestSender, StreamResetReason } from "./stream.ts";

type Framing = "none" | "length" | "chunked" | "opaque";

/** Methods for which no body is the rule do without `content-length: 0` (RFC 9110 8.6; the list is Envoy's). */
function expectsBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "DELETE" && method !== "TRACE" && method !== "CONNECT";
}

export class Http1ClientStream implements RequestSender {
  readonly #client: Http1ClientConnection;
  readonly #output: Http1Output;
  #state: "waiting" | "started" | "sent" | "retired" = "waiting";
  #framing: Framing = "none";
  #remaining = 0;
  #opaqueLater = false;
  #opaque = false;
  #connect = false;
  #pauses = 0;

  constructor(client: Http1ClientConnection, output: Http1Output) {
    this.#client = client;
    this.#output = output;
  }

  get version(): HttpVersion {
    return "HTTP/1.1";
  }

  get requestSent(): boolean {
    return this.#state === "sent";
  }

  get isConnect(): boolean {
    return this.#connect;
  }

  get opaque(): boolean {
    return this.#opaque;
  }

  /** After an offer to switch protocols the connection is not used again, whatever the answer was. */
  get reusable(): boolean {
    return !this.#opaqueLater;
  }

  becomeOpaque(): void {
    this.#opaque = true;
    this.#framing = "opaque";
  }

  sendHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#state === "retired") return;
    invariant(this.#state === "waiting", "request headers are sent twice");
    this.#state = "started";
    const { method } = headers;
    this.#connect = method === "CONNECT";
    this.#opaqueLater = this.#connect || headers.upgrade !== undefined;
    const target = this.#connect ? headers.authority : headers.path;
    checkTarget(target);
    checkTarget(method);
    const framingLine = this.#frame(headers, method, endStream);
    this.#client.expect(method, headers.upgrade !== undefined);
    this.#output.text(`${requestLine(method, target)}${headers.toHttp1()}${framingLine}\r\n`);
    if (endStream) this.#finish();
  }

  #frame(headers: RequestHeaderMap, method: string, endStream: boolean): string {
    const length = headers.get("content-length");
    if (length !== undefined) {
      this.#remaining = parseLength(length);
      invariant(this.#remaining >= 0, "the content-length of a request is not a number");
      this.#framing = "length";
      return "";
    }
    if (endStream || this.#opaqueLater) return endStream && expectsBody(method) ? NO_BODY_LINE : "";
    this.#framing = "chunked";
    return CHUNKED_LINE;
  }

  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#state === "retired" || this.#state === "sent") return true;
    invariant(this.#state === "started", "request data before headers");
    let flowing = true;
    switch (this.#framing) {
      case "none":
        // Bytes behind an upgrade request must wait for the 101: sent early they could be read as a request.
        if (chunk.length > 0) {
          this.#client.failed(this, "request data before the protocol was switched");
          return true;
        }
        break;
      case "length":
        if (chunk.length > this.#remaining) {
          this.#client.failed(this, "the request body is longer than its content-length");
          return true;
        }
        this.#remaining -= chunk.length;
        flowing = this.#output.bytes(chunk);
        break;
      case "chunked":
        flowing = this.#output.chunk(chunk, endStream);
        break;
      case "opaque":
        flowing = this.#output.bytes(chunk);
        break;
    }
    if (endStream) this.#finish();
    return flowing;
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#state !== "started") return;
    if (this.#framing === "chunked") this.#output.text(lastChunkWithTrailers(trailers.toHttp1()));
    this.#finish();
  }

  #finish(): void {
    if (this.#framing === "length" && this.#remaining > 0) {
      this.#client.failed(this, "the request body is shorter than its content-length");
      return;
    }
    this.#state = "sent";
    this.#client.requestDone(this);
  }

  reset(_reason: StreamResetReason): void {
    if (this.#state === "retired") return;
    this.retire();
    this.#client.abort(this);
  }

  pauseReading(): void {
    if (this.#state === "retired") return;
    this.#pauses++;
    this.#client.connection.pauseReading("backpressure");
  }

  resumeReading(): void {
    if (this.#pauses === 0) return;
    this.#pauses--;
    this.#client.connection.resumeReading("backpressure");
  }

  /** The next stream of the connection must not stay paused for this one. */
  releasePauses(): void {
    while (this.#pauses > 0) this.resumeReading();
  }

  /** The exchange is over: calls that come late do nothing. */
  retire(): void {
    this.#state = "retired";
    this.#pauses = 0;
  }
}
