// What became of streams that are gone (RFC 9113 5.1, "closed"). A peer that has not heard of our RST_STREAM yet may go on sending; one
// that has ended a stream itself must not. The last few endings are known; of older ones the peer is given the benefit of the doubt.

const REMEMBERED = 256;

export type Ending = "by-us" | "by-peer" | "complete" | "unknown";

export class ClosedStreams {
  readonly #resets = new Map<number, "by-us" | "by-peer">();
  /** Resets of streams up to here may have been forgotten. */
  #forgottenUpTo = 0;

  reset(streamId: number, by: "by-us" | "by-peer"): void {
    if (this.#resets.size >= REMEMBERED) {
      const [oldest] = this.#resets.keys();
      this.#resets.delete(oldest!);
      if (oldest! > this.#forgottenUpTo) this.#forgottenUpTo = oldest!;
    }
    this.#resets.set(streamId, by);
  }

  /** Of a stream that once was open. */
  ending(streamId: number): Ending {
    return this.#resets.get(streamId) ?? (streamId <= this.#forgottenUpTo ? "unknown" : "complete");
  }
}
