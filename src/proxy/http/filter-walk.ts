// Takes the parts of one message (headers, data, trailers) through a list of filters in order. A filter that answers with a promise
// stops the walk; parts that come meanwhile wait in a bounded queue. Only here is a filter's promise waited for.
import type { FilterResult, HttpFilter, LocalReply, MessagePart } from "./filter.ts";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";

/** Calls one filter with one part. */
export type CallFilter<Headers> = (filter: HttpFilter, part: MessagePart<Headers>) => FilterResult;

export interface WalkOwner<Headers> {
  /** All filters let the part pass. */
  onPart(part: MessagePart<Headers>): void;
  onLocalReply(reply: LocalReply): void;
  /** More waits than the limit. */
  onOverflow(): void;
  onFilterError(error: unknown): void;
  /** A filter waits (no more parts, please), or goes on. */
  onPaused(paused: boolean): void;
  readonly ended: boolean;
}

export class FilterWalk<Headers> {
  readonly #filters: readonly HttpFilter[];
  readonly #call: CallFilter<Headers>;
  readonly #owner: WalkOwner<Headers>;
  readonly #limitBytes: number;
  readonly #queue: MessagePart<Headers>[] = [];
  #queuedBytes = 0;
  #waiting = false;

  /** `filters` in the order in which they are to see the parts. */
  constructor(filters: readonly HttpFilter[], call: CallFilter<Headers>, owner: WalkOwner<Headers>, limitBytes: number) {
    this.#filters = filters;
    this.#call = call;
    this.#owner = owner;
    this.#limitBytes = limitBytes;
  }

  /** A filter has not come back yet. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** The walk is over: what waits is dropped. */
  stop(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  push(part: MessagePart<Headers>): void {
    if (!this.#waiting) {
      this.#walk(part, 0);
      return;
    }
    this.#queue.push(part);
    if (part.kind !== "data") return;
    this.#queuedBytes += part.chunk.length;
    if (this.#queuedBytes > this.#limitBytes) {
      this.stop();
      this.#owner.onOverflow();
    }
  }

  #walk(part: MessagePart<Headers>, from: number): void {
    for (let i = from; i < this.#filters.length; i++) {
      const result = this.#call(this.#filters[i]!, part);
      if (result === undefined) continue;
      if (result instanceof Promise) {
        this.#wait(result, part, i + 1);
        return;
      }
      this.#owner.onLocalReply(result);
      return;
    }
    this.#owner.onPart(part);
  }

  #wait(result: Promise<LocalReply | undefined>, part: MessagePart<Headers>, next: number): void {
    this.#waiting = true;
    this.#owner.onPaused(true);
    result.then(
      (reply) => this.#resume(reply, part, next),
      (error: unknown) => {
        if (!this.#owner.ended) this.#owner.onFilterError(error);
      },
    );
  }

  #resume(reply: LocalReply | undefined, part: MessagePart<Headers>, next: number): void {
    if (this.#owner.ended) return;
    this.#waiting = false;
    try {
      if (reply !== undefined) {
        this.stop();
        this.#owner.onLocalReply(reply);
        return;
      }
      this.#walk(part, next);
      while (!this.#waiting && !this.#owner.ended) {
        const waiting = this.#queue.shift();
        if (waiting === undefined) break;
        if (waiting.kind === "data") this.#queuedBytes -= waiting.chunk.length;
        this.#walk(waiting, 0);
      }
      if (!this.#waiting && !this.#owner.ended) this.#owner.onPaused(false);
    } catch (error) {
      // This runs from a promise: nobody above us would see what a filter throws.
      if (!this.#owner.ended) this.#owner.onFilterError(error);
    }
  }
}

export function callRequestFilter(filter: HttpFilter, part: MessagePart<RequestHeaderMap>): FilterResult {
  switch (part.kind) {
    case "headers":
      return filter.onRequestHeaders?.(part.headers, part.endStream);
    case "data":
      return filter.onRequestData?.(part.chunk, part.endStream);
    case "trailers":
      return filter.onRequestTrailers?.(part.trailers);
  }
}

export function callResponseFilter(filter: HttpFilter, part: MessagePart<ResponseHeaderMap>): FilterResult {
  switch (part.kind) {
    case "headers":
      return filter.onResponseHeaders?.(part.headers, part.endStream);
    case "data":
      return filter.onResponseData?.(part.chunk, part.endStream);
    case "trailers":
      return filter.onResponseTrailers?.(part.trailers);
  }
}
