// The upstream HTTP filters of one try: between the router and the codec, on the way there and back.
import type { Cluster } from "#proxy/cluster/cluster";
import type { FilterStream, HttpFilter, HttpFilterFactory, LocalReply, MessagePart } from "#proxy/http/filter";
import { requestPath, responsePath } from "#proxy/http/filter-path";
import type { FilterPath } from "#proxy/http/filter-path";
import type { WalkOwner } from "#proxy/http/filter-walk";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { LOCAL_REPLIES } from "#proxy/http/local-reply";
import type { StreamResetReason } from "#proxy/http/stream";

/** The try that they belong to. */
export interface FilteredTry {
  /** Nobody waits for it any more. */
  readonly dropped: boolean;
  sendFiltered(part: MessagePart<RequestHeaderMap>): void;
  receiveFiltered(part: MessagePart<ResponseHeaderMap>): void;
  /** No more of the request until it is resumed. */
  pauseFiltered(paused: boolean): void;
  pauseReading(): void;
  resumeReading(): void;
  answerLocally(reply: LocalReply): void;
  failLocally(error: unknown): void;
  resetFiltered(reason: StreamResetReason): void;
}

/** As Envoy: what the cluster says takes the place of what the router says. Undefined: there is nothing to go through. */
export function makeUpstreamFilters(
  stream: FilterStream,
  { upstreamFilters }: Cluster,
  ofRouter: readonly HttpFilterFactory[] | undefined,
): readonly HttpFilter[] | undefined {
  const factories = upstreamFilters ?? ofRouter;
  if (factories === undefined || factories.length === 0) return undefined;
  const filters = factories.flatMap((factory) => factory.create(stream) ?? []);
  return filters.length === 0 ? undefined : filters;
}

export class UpstreamFilters {
  readonly #filters: readonly HttpFilter[];
  readonly #request: FilterPath<RequestHeaderMap>;
  readonly #response: FilterPath<ResponseHeaderMap>;
  readonly #passed = new PassedRequest();
  #destroyed = false;

  constructor(filters: readonly HttpFilter[], owner: FilteredTry, limitBytes: number) {
    this.#filters = filters;
    this.#request = requestPath(filters, new RequestEnd(owner, this.#passed), limitBytes);
    this.#response = responsePath(filters, new ResponseEnd(owner), limitBytes);
  }

  /** What of the request has left them. */
  get passed(): PassedRequest {
    return this.#passed;
  }

  pushRequest(part: MessagePart<RequestHeaderMap>): void {
    this.#request.push(part);
  }

  pushResponse(part: MessagePart<ResponseHeaderMap>): void {
    this.#response.push(part);
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#request.stop();
    this.#response.stop();
    for (const filter of this.#filters) filter.onDestroy?.();
  }
}

class PassedRequest {
  headers: RequestHeaderMap | undefined = undefined;
  trailers: TrailerMap | undefined = undefined;
  complete = false;

  note(part: MessagePart<RequestHeaderMap>): void {
    if (part.kind === "headers") this.headers = part.headers;
    else if (part.kind === "trailers") this.trailers = part.trailers;
    this.complete ||= part.kind === "trailers" || part.endStream;
  }
}

class RequestEnd implements WalkOwner<RequestHeaderMap> {
  readonly #owner: FilteredTry;
  readonly #passed: PassedRequest;

  constructor(owner: FilteredTry, passed: PassedRequest) {
    this.#owner = owner;
    this.#passed = passed;
  }

  get ended(): boolean {
    return this.#owner.dropped;
  }
  onPart(part: MessagePart<RequestHeaderMap>): void {
    this.#passed.note(part);
    this.#owner.sendFiltered(part);
  }
  onLocalReply(reply: LocalReply): void {
    this.#owner.answerLocally(reply);
  }
  onOverflow(): void {
    this.#owner.answerLocally(LOCAL_REPLIES.requestPayloadTooLarge);
  }
  onFilterError(error: unknown): void {
    this.#owner.failLocally(error);
  }
  onPaused(paused: boolean): void {
    this.#owner.pauseFiltered(paused);
  }
}

class ResponseEnd implements WalkOwner<ResponseHeaderMap> {
  readonly #owner: FilteredTry;

  constructor(owner: FilteredTry) {
    this.#owner = owner;
  }

  get ended(): boolean {
    return this.#owner.dropped;
  }
  onPart(part: MessagePart<ResponseHeaderMap>): void {
    this.#owner.receiveFiltered(part);
  }
  onLocalReply(reply: LocalReply): void {
    this.#owner.answerLocally(reply);
  }
  onOverflow(): void {
    this.#owner.resetFiltered("overflow");
  }
  onFilterError(error: unknown): void {
    this.#owner.failLocally(error);
  }
  onPaused(paused: boolean): void {
    if (paused) this.#owner.pauseReading();
    else this.#owner.resumeReading();
  }
}
