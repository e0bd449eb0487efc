// One message's body at a limited rate: what comes waits in a bounded buffer and leaves as fast as a bucket of bytes allows.
import type { TokenBucket } from "#proxy/token-bucket";
import type { Clock, Timer } from "#runtime/clock";
import type { PartSink } from "./filter.ts";
import type { TrailerMap } from "./header-map.ts";

/** Envoy's, where the config does not say how often to look for new tokens. */
export const DEFAULT_FILL_INTERVAL_MS = 50;
const EMPTY = Buffer.alloc(0);

export interface RateLimitedBodyOwner {
  /** `limited`: more is waiting. */
  onSent(bytes: number, limited: boolean): void;
  /** Before the end goes on; trailers to send, those that came among them. */
  onEnd(received: TrailerMap | undefined): TrailerMap | undefined;
}

export interface RateLimitedBodyOptions {
  readonly bucket: TokenBucket;
  readonly clock: Clock;
  readonly fillIntervalMs: number;
  /** More than this pauses the message. */
  readonly limitBytes: number;
}

export class RateLimitedBody<Headers> {
  readonly #options: RateLimitedBodyOptions;
  readonly #onward: PartSink<Headers>;
  readonly #owner: RateLimitedBodyOwner;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #paused = false;
  #complete = false;
  #trailers: TrailerMap | undefined;
  #timer: Timer | undefined;

  constructor(options: RateLimitedBodyOptions, onward: PartSink<Headers>, owner: RateLimitedBodyOwner) {
    this.#options = options;
    this.#onward = onward;
    this.#owner = owner;
  }

  write(chunk: Buffer, endStream: boolean): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#complete = endStream;
    if (!endStream && !this.#paused && this.#bytes > this.#options.limitBytes) {
      this.#paused = true;
      this.#onward.pause(true);
    }
    this.#timer ??= this.#options.clock.setTimer(0, () => this.#send());
  }

  end(trailers: TrailerMap): void {
    this.#complete = true;
    this.#trailers = trailers;
    this.#timer ??= this.#options.clock.setTimer(0, () => this.#send());
  }

  /** The stream is over. */
  destroy(): void {
    this.#timer?.cancel();
    this.#chunks.length = 0;
  }

  #send(): void {
    const { bucket, clock, fillIntervalMs, limitBytes } = this.#options;
    const chunks = this.#take(bucket.takeUpTo(this.#bytes));
    const sent = chunks.reduce((sum, { length }) => sum + length, 0);
    const limited = this.#bytes > 0;
    this.#owner.onSent(sent, limited);
    this.#timer = limited ? clock.setTimer(fillIntervalMs, () => this.#send()) : undefined;
    for (const chunk of chunks) this.#onward.push({ kind: "data", chunk, endStream: false });
    if (this.#paused && this.#bytes <= limitBytes / 2) {
      this.#paused = false;
      this.#onward.pause(false);
    }
    if (limited || !this.#complete) return;
    const trailers = this.#owner.onEnd(this.#trailers);
    this.#onward.push(trailers === undefined ? { kind: "data", chunk: EMPTY, endStream: true } : { kind: "trailers", trailers });
  }

  #take(count: number): Buffer[] {
    const taken: Buffer[] = [];
    this.#bytes -= count;
    let left = count;
    while (left > 0) {
      const chunk = this.#chunks.shift()!;
      if (chunk.length > left) this.#chunks.unshift(chunk.subarray(left));
      taken.push(chunk.length > left ? chunk.subarray(0, left) : chunk);
      left -= Math.min(left, chunk.length);
    }
    return taken;
  }
}
