// The way of one message through all filters of a stream: a walk, or several where filters between them take the message over (what
// such a filter gives on starts a walk of its own, with a queue of its own). Streams without such a filter have one walk and nothing else.
import type { HttpFilter, LocalReply, MessagePart, PartSink } from "./filter.ts";
import { FilterWalk, callRequestFilter, callResponseFilter } from "./filter-walk.ts";
import type { CallFilter, WalkOwner } from "./filter-walk.ts";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";

export interface FilterPath<Headers> {
  push(part: MessagePart<Headers>): void;
  /** What waits is dropped. */
  stop(): void;
  /** A filter has not come back yet. */
  readonly waiting: boolean;
}

export function requestPath(
  filters: readonly HttpFilter[],
  owner: WalkOwner<RequestHeaderMap>,
  limitBytes: number,
): FilterPath<RequestHeaderMap> {
  return makePath(filters, callRequestFilter, (filter) => filter.takeRequest?.bind(filter), owner, limitBytes);
}

/** `filters` in the order of requests: responses go the other way. */
export function responsePath(
  filters: readonly HttpFilter[],
  owner: WalkOwner<ResponseHeaderMap>,
  limitBytes: number,
): FilterPath<ResponseHeaderMap> {
  return makePath(filters.toReversed(), callResponseFilter, (filter) => filter.takeResponse?.bind(filter), owner, limitBytes);
}

type Take<Headers> = (part: MessagePart<Headers>, onward: PartSink<Headers>) => void;

function makePath<Headers>(
  filters: readonly HttpFilter[],
  call: CallFilter<Headers>,
  takes: (filter: HttpFilter) => Take<Headers> | undefined,
  owner: WalkOwner<Headers>,
  limitBytes: number,
): FilterPath<Headers> {
  const at = filters.findIndex((filter) => takes(filter) !== undefined);
  if (at < 0) return new FilterWalk(filters, call, owner, limitBytes);
  const pauses = new Pauses(owner);
  const behind = makePath(filters.slice(at + 1), call, takes, pauses.member(), limitBytes);
  const joint = new Joint(takes(filters[at]!)!, behind, pauses.member(), pauses.member());
  const before = new FilterWalk(filters.slice(0, at), call, joint, limitBytes);
  return {
    push: (part) => before.push(part),
    stop() {
      before.stop();
      behind.stop();
    },
    get waiting() {
      return before.waiting || behind.waiting;
    },
  };
}

/** The message pauses while any part of its path asks for that. */
class Pauses<Headers> {
  readonly #owner: WalkOwner<Headers>;
  readonly #asking = new Set<WalkOwner<Headers>>();

  constructor(owner: WalkOwner<Headers>) {
    this.#owner = owner;
  }

  member(): WalkOwner<Headers> {
    const owner = this.#owner;
    const member: WalkOwner<Headers> = {
      get ended() {
        return owner.ended;
      },
      onPart: (part) => owner.onPart(part),
      onLocalReply: (reply) => owner.onLocalReply(reply),
      onOverflow: () => owner.onOverflow(),
      onFilterError: (error) => owner.onFilterError(error),
      onPaused: (paused) => this.#set(member, paused),
    };
    return member;
  }

  #set(member: WalkOwner<Headers>, paused: boolean): void {
    const before = this.#asking.size;
    if (paused) this.#asking.add(member);
    else this.#asking.delete(member);
    if ((before === 0) !== (this.#asking.size === 0)) this.#owner.onPaused(before === 0);
  }
}

/** Between two walks: the end of the first, and the way into the second for the filter that takes the message over. */
class Joint<Headers> implements WalkOwner<Headers>, PartSink<Headers> {
  readonly #take: Take<Headers>;
  readonly #behind: FilterPath<Headers>;
  /** For the walk before, and for the filter itself: each pauses for its own reasons. */
  readonly #walkOwner: WalkOwner<Headers>;
  readonly #takerOwner: WalkOwner<Headers>;

  constructor(take: Take<Headers>, behind: FilterPath<Headers>, walkOwner: WalkOwner<Headers>, takerOwner: WalkOwner<Headers>) {
    this.#take = take;
    this.#behind = behind;
    this.#walkOwner = walkOwner;
    this.#takerOwner = takerOwner;
  }

  get ended(): boolean {
    return this.#walkOwner.ended;
  }
  onPart(part: MessagePart<Headers>): void {
    this.#take(part, this);
  }
  onLocalReply(reply: LocalReply): void {
    this.#walkOwner.onLocalReply(reply);
  }
  onOverflow(): void {
    this.#walkOwner.onOverflow();
  }
  onFilterError(error: unknown): void {
    this.#walkOwner.onFilterError(error);
  }
  onPaused(paused: boolean): void {
    this.#walkOwner.onPaused(paused);
  }

  push(part: MessagePart<Headers>): void {
    if (this.ended) return;
    try {
      this.#behind.push(part);
    } catch (error) {
      // This may come from a timer: nobody above us would see what a filter throws.
      this.fail(error);
    }
  }
  respond(reply: LocalReply): void {
    if (!this.ended) this.#walkOwner.onLocalReply(reply);
  }
  overflow(): void {
    if (!this.ended) this.#walkOwner.onOverflow();
  }
  fail(error: unknown): void {
    if (!this.ended) this.#walkOwner.onFilterError(error);
  }
  pause(paused: boolean): void {
    if (!this.ended) this.#takerOwner.onPaused(paused);
  }
}
