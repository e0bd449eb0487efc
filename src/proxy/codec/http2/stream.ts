// One stream of a session: what its user calls, and what the session knows of it. The session does the work.
import type { MessageHead, RequestPseudoFields } from "./message-head.ts";
import { ReceiveWindow } from "./receive-window.ts";

/** Who ended a stream before its time: the peer by RST_STREAM, the session because of what the peer sent on it, a GOAWAY that says
 * that the peer never looked at it, or the end of the connection. */
export type StreamResetSource = "remote" | "malformed" | "goaway" | "connection";

/** What comes on a stream. Order: informational heads*, headers, data*, trailers?; after onReset nothing. */
export interface Http2StreamHandler {
  /** The head of a request or a response; of a response also 1xx ones (`head.status`), before the final one. */
  onHeaders(head: MessageHead, endStream: boolean): void;
  /** A view of the chunk given to `receive`, empty only with `endStream`. */
  onData(chunk: Buffer, endStream: boolean): void;
  /** Names and values in `trailers.fields`; the peer's last word. */
  onTrailers(trailers: MessageHead): void;
  onReset(code: number, source: StreamResetSource, details: string): void;
  /** After `sendData` returned false, or took the last byte but could not send it: there is room again, or all has left. */
  onDrain(): void;
}

/** The handler of a stream that nobody has taken. */
export const NOBODY: Http2StreamHandler = { onHeaders() {}, onData() {}, onTrailers() {}, onReset() {}, onDrain() {} };

/** Most streams never have anything waiting. Never changed. */
export const EMPTY_QUEUE: Uint8Array[] = [];

/** What a stream asks of its session. */
export interface StreamOwner {
  submitRequest(
    stream: Http2Stream,
    pseudo: RequestPseudoFields,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void;
  submitResponse(
    stream: Http2Stream,
    status: number,
    fields: readonly string[],
    endStream: boolean,
    neverIndexed: readonly string[] | undefined,
  ): void;
  submitData(stream: Http2Stream, chunk: Uint8Array, endStream: boolean): boolean;
  submitTrailers(stream: Http2Stream, fields: readonly string[], neverIndexed: readonly string[] | undefined): void;
  submitReset(stream: Http2Stream, code: number): void;
  consumed(stream: Http2Stream, bytes: number): void;
}

export class Http2Stream {
  readonly #owner: StreamOwner;
  /** 0 until a client has sent its request. */
  id = 0;
  handler: Http2StreamHandler;

  // The session's own notes.
  /** The peer has sent its last frame; we have. */
  remoteClosed = false;
  localClosed = false;
  /** Gone from the session: nothing comes, and what is sent is dropped. */
  closed = false;
  /** Their final head has come; ours is sent. */
  headReceived = false;
  headSent = false;
  /** Body bytes that content-length still announces; -1: it says nothing. */
  bodyLeft = -1;
  /** A response without body whatever it says (HEAD). */
  bodiless = false;
  receiveWindow: ReceiveWindow;
  sendWindow: number;
  #paused = false;
  #unconsumed = 0;
  // What waits for a window or for the transport.
  queue = EMPTY_QUEUE;
  /** Bytes of the first chunk that are sent. */
  queueOffset = 0;
  queuedBytes = 0;
  endQueued = false;
  trailersQueued: readonly string[] | undefined;
  trailersNeverIndexed: readonly string[] | undefined;
  drainDue = false;

  constructor(owner: StreamOwner, handler: Http2StreamHandler, receiveWindow: number, sendWindow: number) {
    this.#owner = owner;
    this.handler = handler;
    this.receiveWindow = new ReceiveWindow(receiveWindow);
    this.sendWindow = sendWindow;
  }

  /** Bytes that wait to be sent. */
  get pendingBytes(): number {
    return this.queuedBytes;
  }

  /** Client: opens the stream. Names may be in any case; those that speak of an HTTP/1 connection are left out. */
  sendRequest(pseudo: RequestPseudoFields, fields: readonly string[], endStream: boolean, neverIndexed?: readonly string[]): void {
    this.#owner.submitRequest(this, pseudo, fields, endStream, neverIndexed);
  }

  /** Server: a 1xx (not 101) or the final head. `fields` as in `sendRequest`. */
  sendResponse(status: number, fields: readonly string[], endStream: boolean, neverIndexed?: readonly string[]): void {
    this.#owner.submitResponse(this, status, fields, endStream, neverIndexed);
  }

  /** False: wait for onDrain. The chunk is taken in any case and must not change. */
  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    return this.#owner.submitData(this, chunk, endStream);
  }

  sendTrailers(fields: readonly string[], neverIndexed?: readonly string[]): void {
    this.#owner.submitTrailers(this, fields, neverIndexed);
  }

  /** Ends the stream at once; nothing comes after it. */
  reset(code: number): void {
    this.#owner.submitReset(this, code);
  }

  /** The peer gets no more window for what comes from now on. */
  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const bytes = this.#unconsumed;
    this.#unconsumed = 0;
    if (bytes > 0) this.#owner.consumed(this, bytes);
  }

  /** The session's: bytes were handed over. What a paused stream holds back is given back when it resumes, or ends. */
  delivered(bytes: number): void {
    if (this.#paused && !this.closed) this.#unconsumed += bytes;
    else this.#owner.consumed(this, bytes);
  }

  /** The session's: bytes that never will be given back by `resumeReading`. */
  takeUnconsumed(): number {
    const bytes = this.#unconsumed;
    this.#unconsumed = 0;
    return bytes;
  }

  /** The session's: the body is as long as was said; undefined: so far. */
  countBody(bytes: number, endStream: boolean): boolean {
    if (this.bodyLeft === -1) return true;
    this.bodyLeft -= bytes;
    return endStream ? this.bodyLeft === 0 : this.bodyLeft >= 0;
  }
}
