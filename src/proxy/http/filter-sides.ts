// The two directions of a stream as the walks through its filters see them.
import type { LocalReply } from "./filter.ts";
import type { MessagePart, WalkOwner } from "./filter-walk.ts";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";
import type { StreamResetReason } from "./stream.ts";

/** What a stream does with what comes out of its filters. */
export interface FilteredStream {
  readonly ended: boolean;
  requestPart(part: MessagePart<RequestHeaderMap>): void;
  responsePart(part: MessagePart<ResponseHeaderMap>): void;
  respondLocally(reply: LocalReply): void;
  replyDirectly(reply: LocalReply): void;
  requestOverflow(): void;
  resetResponse(reason: StreamResetReason): void;
  internalError(error: unknown): void;
  requestPaused(paused: boolean): void;
  responsePaused(paused: boolean): void;
}

export class RequestSide implements WalkOwner<RequestHeaderMap> {
  readonly #stream: FilteredStream;
  constructor(stream: FilteredStream) {
    this.#stream = stream;
  }
  get ended(): boolean {
    return this.#stream.ended;
  }
  onPart(part: MessagePart<RequestHeaderMap>): void {
    this.#stream.requestPart(part);
  }
  onLocalReply(reply: LocalReply): void {
    this.#stream.respondLocally(reply);
  }
  onOverflow(): void {
    this.#stream.requestOverflow();
  }
  onFilterError(error: unknown): void {
    this.#stream.internalError(error);
  }
  onPaused(paused: boolean): void {
    this.#stream.requestPaused(paused);
  }
}

export class ResponseSide implements WalkOwner<ResponseHeaderMap> {
  readonly #stream: FilteredStream;
  constructor(stream: FilteredStream) {
    this.#stream = stream;
  }
  get ended(): boolean {
    return this.#stream.ended;
  }
  onPart(part: MessagePart<ResponseHeaderMap>): void {
    this.#stream.responsePart(part);
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
    this.#stream.responsePaused(paused);
  }
}
