// The streams of a session by id, and what is known of those that are not open (RFC 9113 5.1).
import { ClosedStreams } from "./closed-streams.ts";
import type { Ending } from "./closed-streams.ts";
import { MAX_STREAM_ID } from "./frame.ts";
import type { Http2Stream } from "./stream.ts";

export class StreamTable {
  readonly #server: boolean;
  readonly #open = new Map<number, Http2Stream>();
  readonly #closed = new ClosedStreams();
  #lastOfPeer = 0;
  #nextOfOurs = 1;
  /** The peer's streams above are passed over: our GOAWAY said so. */
  goawayLast = MAX_STREAM_ID;

  constructor(server: boolean) {
    this.#server = server;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The highest stream that the peer has opened. */
  get lastOfPeer(): number {
    return this.#lastOfPeer;
  }

  /** A client has ids left. */
  get hasIds(): boolean {
    return this.#nextOfOurs <= MAX_STREAM_ID;
  }

  get(streamId: number): Http2Stream | undefined {
    return this.#open.get(streamId);
  }

  all(): IterableIterator<Http2Stream> {
    return this.#open.values();
  }

  /** A client's new stream. */
  openOurs(stream: Http2Stream): void {
    stream.id = this.#nextOfOurs;
    this.#nextOfOurs += 2;
    this.#open.set(stream.id, stream);
  }

  /** Streams below that were never opened are closed by it (RFC 9113 5.1.1). */
  sawPeerStream(streamId: number): void {
    const next = this.#lastOfPeer === 0 ? 1 : this.#lastOfPeer + 2;
    if (streamId > next) this.#closed.skip(next, streamId - 1);
    this.#lastOfPeer = streamId;
  }

  openOfPeer(stream: Http2Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Http2Stream): void {
    this.#open.delete(stream.id);
  }

  noteReset(streamId: number, by: "by-us" | "by-peer"): void {
    this.#closed.reset(streamId, by);
  }

  ending(streamId: number): Ending {
    return this.#closed.ending(streamId);
  }

  /** Nobody has opened it so far, or ever can. */
  isIdle(streamId: number): boolean {
    if (this.#server) return (streamId & 1) === 0 || streamId > this.#lastOfPeer;
    return (streamId & 1) === 0 || streamId >= this.#nextOfOurs;
  }

  /** Above our GOAWAY: as if it had not come (RFC 9113 6.8). */
  isPassedOver(streamId: number): boolean {
    return this.#server && streamId > this.goawayLast;
  }
}
