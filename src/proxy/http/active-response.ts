// The response half of a stream: what the terminal filter or the connection manager answers goes through the filters to the codec. It
// keeps what holds the terminal filter back; the stream that it belongs to keeps the rest.
import type { Clock } from "#runtime/clock";
import { own } from "#proxy/net/read-buffer";
import type { HttpFilter, LocalReply, MessagePart } from "./filter.ts";
import { responsePath } from "./filter-path.ts";
import type { FilterPath } from "./filter-path.ts";
import type { WalkOwner } from "./filter-walk.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { decorateResponse } from "./operation-decorator.ts";
import { mutateResponseHeaders } from "./response-mutation.ts";
import type { ServerStream } from "./server-codec.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { StreamResetReason } from "./stream.ts";

/** Causes for which the terminal filter must not send more of the response. */
const HELD_BY_FILTER = 1;
const HELD_BY_CLIENT = 2;

/** The stream that is answered. */
export interface AnsweredStream {
  readonly runtime: HcmRuntime;
  readonly clock: Clock;
  readonly info: StreamRecord;
  readonly sender: ServerStream;
  /** Of the listener: towards others, not towards the application. */
  readonly outbound: boolean;
  readonly ended: boolean;
  readonly requestComplete: boolean;
  /** The name of the operation, where tracing is on. */
  readonly operation: string | undefined;
  /** An answer that a filter gives on the response's way; no filter sees it, as in Envoy. */
  replyDirectly(reply: LocalReply): void;
  resetResponse(reason: StreamResetReason): void;
  internalError(error: unknown): void;
  /** The terminal filter may not send, or may again. */
  holdTerminal(hold: boolean): void;
  /** The last byte is with the codec. */
  onResponseEnd(): void;
}

export interface DrainingConnection {
  /** This response may be the last one. Asked while the proxy as a whole drains. */
  drainIfDue(): void;
}

export class ActiveResponse implements WalkOwner<ResponseHeaderMap> {
  readonly #stream: AnsweredStream;
  readonly #connection: DrainingConnection;
  #walk: FilterPath<ResponseHeaderMap> | undefined = undefined;
  #holds = 0;
  #started = false;

  constructor(stream: AnsweredStream, connection: DrainingConnection) {
    this.#stream = stream;
    this.#connection = connection;
  }

  /** Response headers went to the client. */
  get started(): boolean {
    return this.#started;
  }

  /** A filter has not come back yet. */
  get waiting(): boolean {
    return this.#walk?.waiting === true;
  }

  /** `filters` in the order of the request. */
  useFilters(filters: readonly HttpFilter[], limitBytes: number): void {
    this.#walk = responsePath(filters, this, limitBytes);
  }

  /** What waits is dropped. */
  stop(): void {
    this.#walk?.stop();
  }

  headers(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#walk === undefined) this.#sendHeaders(headers, endStream);
    else this.#walk.push({ kind: "headers", headers, endStream });
  }

  /** False: wait for the drain. */
  data(chunk: Buffer, endStream: boolean): boolean {
    if (this.#walk === undefined) return this.#sendData(chunk, endStream);
    // Filters may keep what they see.
    this.#walk.push({ kind: "data", chunk: own(chunk), endStream });
    return true;
  }

  trailers(trailers: TrailerMap): void {
    if (this.#walk === undefined) this.#sendTrailers(trailers);
    else this.#walk.push({ kind: "trailers", trailers });
  }

  /** A whole answer of the proxy itself. `direct`: past the filters. */
  local(headers: ResponseHeaderMap, chunk: Buffer | undefined, direct: boolean): void {
    const walk = direct ? undefined : this.#walk;
    if (walk === undefined) {
      this.#sendHeaders(headers, chunk === undefined);
      if (chunk !== undefined) this.#sendData(chunk, true);
      return;
    }
    walk.push({ kind: "headers", headers, endStream: chunk === undefined });
    if (chunk !== undefined && !this.ended) walk.push({ kind: "data", chunk, endStream: true });
  }

  /** The codec takes more. True: the terminal filter is to be told. */
  onDrain(): boolean {
    if (this.#walk === undefined) return true;
    this.#hold(HELD_BY_CLIENT, false);
    return false;
  }

  // ---- WalkOwner

  get ended(): boolean {
    return this.#stream.ended;
  }

  onPart(part: MessagePart<ResponseHeaderMap>): void {
    switch (part.kind) {
      case "headers":
        this.#sendHeaders(part.headers, part.endStream);
        break;
      case "data":
        if (!this.#sendData(part.chunk, part.endStream)) this.#hold(HELD_BY_CLIENT, true);
        break;
      case "trailers":
        this.#sendTrailers(part.trailers);
        break;
    }
  }

  onLocalReply(reply: LocalReply): void {
    this.#stream.replyDirectly(reply);
  }

  /** The router was told to stop: more than this can only be a filter that never comes back. */
  onOverflow(): void {
    this.#stream.resetResponse("overflow");
  }

  onFilterError(error: unknown): void {
    this.#stream.internalError(error);
  }

  onPaused(paused: boolean): void {
    this.#hold(HELD_BY_FILTER, paused);
  }

  // ---- the way out

  #hold(cause: number, hold: boolean): void {
    const before = this.#holds;
    this.#holds = hold ? before | cause : before & ~cause;
    if ((before === 0) !== (this.#holds === 0)) this.#stream.holdTerminal(hold);
  }

  #sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    const stream = this.#stream;
    const { info, runtime, sender } = stream;
    const request: RequestHeaderMap | undefined = info.requestHeaders;
    if (runtime.thread.local.draining) this.#connection.drainIfDue();
    if (runtime.config.tracing !== undefined) decorateResponse(headers, stream.operation, stream.outbound);
    mutateResponseHeaders(headers, request, runtime);
    info.responseHeaders = headers;
    info.responseCode = headers.status;
    info.downstreamFirstByteSentMs = stream.clock.monotonicMs();
    this.#started = true;
    if (!stream.requestComplete) {
      runtime.stats.rqResponseBeforeComplete.inc();
      if (endStream) this.#noteEarlyEnd();
      // HTTP/1 has no other way to be rid of the rest of the request.
      if (headers.status !== 101 && request?.method !== "CONNECT") sender.closeAfterResponse();
    }
    sender.sendHeaders(headers, endStream);
    if (endStream) stream.onResponseEnd();
  }

  /** What is left of a request that has its answer is reset, which Envoy counts as any reset. */
  #noteEarlyEnd(): void {
    const { requestComplete, runtime } = this.#stream;
    if (!requestComplete) runtime.stats.rqRxReset.inc();
  }

  #sendData(chunk: Buffer, endStream: boolean): boolean {
    const stream = this.#stream;
    if (stream.ended) return true;
    stream.info.bytesSent += chunk.length;
    if (endStream) this.#noteEarlyEnd();
    const goOn = stream.sender.sendData(chunk, endStream);
    if (endStream) stream.onResponseEnd();
    return goOn;
  }

  #sendTrailers(trailers: TrailerMap): void {
    const stream = this.#stream;
    if (stream.ended) return;
    stream.info.responseTrailers = trailers;
    this.#noteEarlyEnd();
    stream.sender.sendTrailers(trailers);
    stream.onResponseEnd();
  }
}
