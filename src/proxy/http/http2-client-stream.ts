// One exchange on an upstream HTTP/2 connection. An upgrade of HTTP/1 becomes an extended CONNECT (RFC 8441), and its answer a 101 again:
// inside the proxy an upgrade looks the same whatever the two sides speak, as in Envoy.
import { ErrorCode } from "#proxy/codec/http2/error-code";
import type { MessageHead, RequestPseudoFields } from "#proxy/codec/http2/message-head";
import type { Http2Stream, Http2StreamHandler, StreamResetSource } from "#proxy/codec/http2/stream";
import { invariant } from "#runtime/invariant";
import { own } from "#proxy/net/read-buffer";
import type { RequestHeaderMap, TrailerMap } from "./header-map.ts";
import type { Http2ClientConnection } from "./http2-client.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";
import type { HttpVersion, RequestSender, ResponseReceiver, StreamResetReason } from "./stream.ts";

/** As for HTTP/1: an upstream that sends more interim responses than this is broken. */
const MAX_INFORMATIONAL = 64;

/** As the client writes it: `upgrade` of the map is in lower case. */
function protocolOf(request: RequestHeaderMap): string {
  return request.get("upgrade") ?? request.upgrade ?? "";
}

export class Http2ClientStream implements RequestSender, Http2StreamHandler {
  readonly #client: Http2ClientConnection;
  readonly #receiver: ResponseReceiver;
  readonly #stream: Http2Stream;
  #state: "waiting" | "held" | "started" | "sent" = "waiting";
  #responseDone = false;
  /** Nothing of it is told any more, and nothing is sent. */
  #over = false;
  /** The connection has its slot back. */
  #retired = false;
  /** The request, where it is an upgrade. */
  #upgrade: RequestHeaderMap | undefined;
  /** What came before an upgrade could be sent. */
  #early: { readonly chunk: Uint8Array; readonly endStream: boolean }[] | undefined;
  #informational = 0;
  #pauses = 0;

  constructor(client: Http2ClientConnection, receiver: ResponseReceiver) {
    this.#client = client;
    this.#receiver = receiver;
    this.#stream = client.session.newStream(this);
  }

  get version(): HttpVersion {
    return "HTTP/2";
  }

  // The request.

  sendHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#over) return;
    invariant(this.#state === "waiting", "request headers are sent twice");
    if (headers.upgrade !== undefined && headers.method !== "CONNECT") {
      this.#state = "held";
      this.#upgrade = headers;
      this.#client.hold(this);
      return;
    }
    this.#state = "started";
    const { method, authority } = headers;
    const pseudo: RequestPseudoFields = method === "CONNECT" ? { method, scheme: "", authority, path: "" } : headers;
    this.#stream.sendRequest(pseudo, headers.toFields(), endStream, headers.neverIndexed);
    if (endStream) this.#state = "sent";
  }

  /** The peer has said what it takes. */
  sendHeld(): void {
    const headers = this.#upgrade;
    if (this.#over || headers === undefined) return;
    if (!this.#client.takesUpgrades) {
      this.#over = true;
      // What a peer would answer to it, which Envoy finds out by asking.
      this.#client.owner.onStreamReset(this.#client, true);
      this.#receiver.onResponseReset("protocol-error", "http2.extended_connect_not_allowed");
      this.#giveSlotBack();
      return;
    }
    this.#state = "started";
    const { scheme, authority, path } = headers;
    headers.remove("content-length");
    this.#stream.sendRequest(
      { method: "CONNECT", scheme, authority, path, protocol: protocolOf(headers) },
      headers.toFields(),
      false,
      headers.neverIndexed,
    );
    const early = this.#early ?? [];
    this.#early = undefined;
    let flowing = true;
    for (const { chunk, endStream } of early) flowing = this.sendData(chunk, endStream);
    if (early.length > 0 && flowing) this.#receiver.onRequestDrain();
  }

  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#over || this.#state === "sent") return true;
    if (this.#state === "held") {
      (this.#early ??= []).push({ chunk: own(chunk), endStream });
      return false;
    }
    invariant(this.#state === "started", "request data before headers");
    if (endStream) this.#state = "sent";
    // Frames wait for the end of the event loop's turn, and for the peer's window.
    return this.#stream.sendData(own(chunk), endStream);
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#over || this.#state !== "started") return;
    this.#state = "sent";
    this.#stream.sendTrailers(trailers.toFields(), trailers.neverIndexed);
  }

  reset(reason: StreamResetReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.owner.onStreamReset(this.#client, true);
    // RFC 9113 8.1: a response may be there in full before its request is; the rest of the request is then not needed, which is no error.
    const code = reason === "protocol-error" ? ErrorCode.PROTOCOL_ERROR : ErrorCode.CANCEL;
    this.#stream.reset(this.#responseDone ? ErrorCode.NO_ERROR : code);
    // The session knows nothing of a stream on which nothing was sent.
    this.#giveSlotBack();
  }

  pauseReading(): void {
    if (!this.#over && this.#pauses++ === 0) this.#stream.pauseReading();
  }

  resumeReading(): void {
    if (!this.#over && this.#pauses > 0 && --this.#pauses === 0) this.#stream.resumeReading();
  }

  // The response.

  onHeaders(head: MessageHead, endStream: boolean): void {
    if (this.#over) return;
    const { status, fields } = head;
    const headers = new PairResponseHeaderMap(status, undefined, fields);
    headers.neverIndexed = head.neverIndexed;
    if (status < 200) {
      if (++this.#informational <= MAX_INFORMATIONAL) this.#receiver.onInformational(headers);
      else this.#refuse("http2.too_many_informational_responses");
      return;
    }
    if (this.#upgrade !== undefined && status === 200) {
      headers.status = 101;
      headers.set("upgrade", protocolOf(this.#upgrade));
      headers.set("connection", "upgrade");
      headers.remove("content-length");
    }
    if (endStream) this.#responseDone = true;
    this.#receiver.onResponseHeaders(headers, endStream);
    if (endStream) this.#responseReceived();
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return;
    if (endStream) this.#responseDone = true;
    this.#receiver.onResponseData(chunk, endStream);
    if (endStream) this.#responseReceived();
  }

  onTrailers(trailers: MessageHead): void {
    if (this.#over) return;
    this.#responseDone = true;
    const map = new PairTrailerMap(undefined, trailers.fields);
    map.neverIndexed = trailers.neverIndexed;
    this.#receiver.onResponseTrailers(map);
    this.#responseReceived();
  }

  onReset(code: number, source: StreamResetSource, details: string): void {
    const reason = resetReason(code, source);
    if (source === "connection") {
      // Ours are the ends with an error: the peer broke the protocol, or we did.
      this.#client.owner.onStreamBroken(this.#client, code !== ErrorCode.NO_ERROR);
    } else if (!this.#over && COUNTED_RESETS.has(reason)) this.#client.owner.onStreamReset(this.#client, reason === "protocol-error");
    if (this.#over) return;
    this.#over = true;
    // Details of a broken protocol are what we found out; a peer that says so gives none.
    const found = reason === "protocol-error" && source === "remote" ? "" : details;
    if (!this.#responseDone) this.#receiver.onResponseReset(reason, found);
  }

  onDrain(): void {
    if (!this.#over) this.#receiver.onRequestDrain();
  }

  /** The stream is gone from the session. */
  retire(): void {
    this.#over = true;
    this.#giveSlotBack();
  }

  #giveSlotBack(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#client.onSlotFree();
  }

  /** The peer's last frame has come; what still waits for its windows is of no use to it. The receiver may have given the stream up. */
  #responseReceived(): void {
    if (this.#over || this.#state !== "sent") return;
    if (this.#stream.pendingBytes > 0) this.#stream.reset(ErrorCode.NO_ERROR);
  }

  /** The peer does what no client can deal with. */
  #refuse(details: string): void {
    this.onReset(ErrorCode.PROTOCOL_ERROR, "malformed", details);
    this.#stream.reset(ErrorCode.PROTOCOL_ERROR);
  }
}

/** Envoy counts a broken protocol as a reset of ours, whoever has noticed it, and neither refusals nor lost tunnels. */
const COUNTED_RESETS: ReadonlySet<StreamResetReason> = new Set<StreamResetReason>(["remote-reset", "protocol-error"]);

function resetReason(code: number, source: StreamResetSource): StreamResetReason {
  switch (source) {
    case "malformed":
      return "protocol-error";
    case "connection":
      return code === ErrorCode.NO_ERROR ? "connection-termination" : "protocol-error";
    case "goaway":
      return "remote-refused"; // never looked at
    case "remote":
      return remoteReason(code);
  }
}

function remoteReason(code: number): StreamResetReason {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return "remote-refused";
    case ErrorCode.PROTOCOL_ERROR:
      return "protocol-error";
    case ErrorCode.CONNECT_ERROR:
      return "connect-error";
    default:
      return "remote-reset";
  }
}
