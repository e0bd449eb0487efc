// type.v3.TokenBucket: full at the start, filled in whole steps of its interval.
import type { Clock } from "#runtime/clock";

export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

export class TokenBucket {
  readonly #config: TokenBucketConfig;
  readonly #clock: Clock;
  #tokens: number;
  #filledMs: number;

  constructor(config: TokenBucketConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#tokens = config.maxTokens;
    this.#filledMs = clock.monotonicMs();
  }

  /** False: it is empty. */
  take(): boolean {
    const { maxTokens, tokensPerFill, fillIntervalMs } = this.#config;
    const fills = Math.floor((this.#clock.monotonicMs() - this.#filledMs) / fillIntervalMs);
    if (fills > 0) {
      this.#filledMs += fills * fillIntervalMs;
      this.#tokens = Math.min(maxTokens, this.#tokens + fills * tokensPerFill);
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
