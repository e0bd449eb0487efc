// The request half of a stream: what the client sends goes through the filters to the terminal filter. It keeps what stops the reading of
// more; the stream that it belongs to keeps the rest.
import type { HttpFilter, LocalReply, MessagePart } from "./filter.ts";
import { requestPath } from "./filter-path.ts";
import type { FilterPath } from "./filter-path.ts";
import type { WalkOwner } from "./filter-walk.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap, TrailerMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import type { ServerStream } from "./server-codec.ts";
import type { TerminalFilter, TerminalStream } from "./terminal-filter.ts";

/** Causes for which request reading is stopped: reading goes on when none is left. */
const PAUSED_BY_FILTER = 1;
const PAUSED_BY_TERMINAL = 2;

/** The stream whose request it is. */
export interface RequestingStream extends TerminalStream {
  readonly runtime: HcmRuntime;
  readonly sender: ServerStream;
  readonly ended: boolean;
  internalError(error: unknown): void;
}

export class ActiveRequest implements WalkOwner<RequestHeaderMap> {
  readonly #stream: RequestingStream;
  #filters: HttpFilter[] | undefined = undefined;
  #walk: FilterPath<RequestHeaderMap> | undefined = undefined;
  #pauses = 0;
  terminal: TerminalFilter | undefined = undefined;

  constructor(stream: RequestingStream) {
    this.#stream = stream;
  }

  /** Those that have something to do with this stream; undefined: none. */
  makeFilters(): readonly HttpFilter[] | undefined {
    const stream = this.#stream;
    const { filters: factories, config } = stream.runtime;
    let filters: HttpFilter[] | undefined;
    for (const factory of factories) {
      const filter = factory.create(stream);
      if (filter !== undefined) (filters ??= []).push(filter);
    }
    this.terminal = config.terminal.createTerminal(stream);
    if (filters === undefined) return undefined;
    this.#filters = filters;
    this.#walk = requestPath(filters, this, stream.bufferLimitBytes);
    return filters;
  }

  headers(headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#walk === undefined) this.terminal?.onRequestHeaders(headers, endStream);
    else this.#walk.push({ kind: "headers", headers, endStream });
  }

  data(chunk: Buffer, endStream: boolean): void {
    if (this.#walk === undefined) this.terminal?.onRequestData(chunk, endStream);
    else this.#walk.push({ kind: "data", chunk, endStream });
  }

  trailers(trailers: TrailerMap): void {
    if (this.#walk === undefined) this.terminal?.onRequestTrailers(trailers);
    else this.#walk.push({ kind: "trailers", trailers });
  }

  part(part: MessagePart<RequestHeaderMap>): void {
    if (this.#walk === undefined) this.onPart(part);
    else this.#walk.push(part);
  }

  pause(): void {
    this.#pause(PAUSED_BY_TERMINAL);
  }

  resume(): void {
    this.#resume(PAUSED_BY_TERMINAL);
  }

  /** The terminal filter is told that it is over, and what waits is dropped. */
  stop(): void {
    const { terminal } = this;
    this.terminal = undefined;
    terminal?.onDestroy();
    this.#walk?.stop();
  }

  /** After `stop`, once. */
  destroyFilters(): void {
    if (this.#filters !== undefined) for (const filter of this.#filters) filter.onDestroy?.();
  }

  #pause(cause: number): void {
    const stream = this.#stream;
    if (stream.ended) return;
    if (this.#pauses === 0) {
      stream.stats.flowPaused.inc();
      stream.sender.pauseReading();
    }
    this.#pauses |= cause;
  }

  #resume(cause: number): void {
    const stream = this.#stream;
    if (stream.ended || this.#pauses === 0) return;
    this.#pauses &= ~cause;
    if (this.#pauses !== 0) return;
    stream.stats.flowResumed.inc();
    stream.sender.resumeReading();
  }

  // ---- WalkOwner

  get ended(): boolean {
    return this.#stream.ended;
  }

  onPart(part: MessagePart<RequestHeaderMap>): void {
    const { terminal } = this;
    if (terminal === undefined) return;
    switch (part.kind) {
      case "headers":
        terminal.onRequestHeaders(part.headers, part.endStream);
        break;
      case "data":
        terminal.onRequestData(part.chunk, part.endStream);
        break;
      case "trailers":
        terminal.onRequestTrailers(part.trailers);
        break;
    }
  }

  onLocalReply(reply: LocalReply): void {
    this.#stream.respondLocally(reply);
  }

  onOverflow(): void {
    this.#stream.stats.rqTooLarge.inc();
    this.#stream.respondLocally(LOCAL_REPLIES.requestPayloadTooLarge);
  }

  /** Also for what a filter's promise rejects with. */
  onFilterError(error: unknown): void {
    this.#stream.internalError(error);
  }

  onPaused(paused: boolean): void {
    if (paused) this.#pause(PAUSED_BY_FILTER);
    else this.#resume(PAUSED_BY_FILTER);
  }
}
