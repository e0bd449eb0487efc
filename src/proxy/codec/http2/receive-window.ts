// One window of what we receive (RFC 9113 6.9): what the peer may still send, and what was consumed but not given back to it yet. It is
// given back in large steps.

export class ReceiveWindow {
  /** Negative after SETTINGS that made it smaller. */
  #credit: number;
  #consumed = 0;
  /** Given back when half of this is consumed. */
  #size: number;

  constructor(size: number) {
    this.#credit = size;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes have come; false: more than were allowed. */
  take(bytes: number): boolean {
    this.#credit -= bytes;
    return this.#credit >= 0;
  }

  /** Bytes have been passed on. The increment that the peer is to be told of now, or 0. */
  consume(bytes: number): number {
    const consumed = this.#consumed + bytes;
    if (consumed * 2 < this.#size) {
      this.#consumed = consumed;
      return 0;
    }
    this.#consumed = 0;
    this.#credit += consumed;
    return consumed;
  }

  /** Larger or smaller by agreement: SETTINGS that were acknowledged, or an increment beyond what was consumed. */
  resize(change: number): void {
    this.#credit += change;
    this.#size += change;
  }
}
