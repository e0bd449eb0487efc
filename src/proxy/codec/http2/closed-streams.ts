// What became of streams that are gone (RFC 9113 5.1, "closed"). A peer that has not heard of our RST_STREAM yet may go on sending; one
// that has ended a stream itself must not, and one that has passed an id over cannot come back to it. The last few endings are known; of
// older ones the peer is given the benefit of the doubt.

const REMEMBERED = 256;
const REMEMBERED_GAPS = 16;

export type Ending = "by-us" | "by-peer" | "complete" | "skipped" | "unknown";

export class ClosedStreams {
  readonly #resets = new Map<number, "by-us" | "by-peer">();
  /** Resets of streams up to here may have been forgotten. */
  #forgottenUpTo = 0;
  /** Ids that were passed over: first and last of each gap. */
  readonly #gaps: number[] = [];

  reset(streamId: number, by: "by-us" | "by-peer"): void {
    if (this.#resets.size >= REMEMBERED) {
      const [oldest] = this.#resets.keys();
      this.#resets.delete(oldest!);
      if (oldest! > this.#forgottenUpTo) this.#forgottenUpTo = oldest!;
    }
    this.#resets.set(streamId, by);
  }

  skip(first: number, last: number): void {
    if (this.#gaps.length >= 2 * REMEMBERED_GAPS) this.#gaps.splice(0, 2);
    this.#gaps.push(first, last);
  }

  /** Of a stream that is not open and can not be opened any more. */
  ending(streamId: number): Ending {
    const reset = this.#resets.get(streamId);
    if (reset !== undefined) return reset;
    for (let i = 0; i < this.#gaps.length; i += 2) if (streamId >= this.#gaps[i]! && streamId <= this.#gaps[i + 1]!) return "skipped";
    return streamId <= this.#forgottenUpTo ? "unknown" : "complete";
  }
}
