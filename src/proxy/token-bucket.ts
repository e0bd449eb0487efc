// type.v3.TokenBucket: full at the start (unless somebody says otherwise), then filled steadily, at the rate of its tokens per interval (as Envoy does since 1.32).
import type { Clock } from "#runtime/clock";

export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

export class TokenBucket {
  readonly maxTokens: number;
  readonly #perMs: number;
  readonly #clock: Clock;
  /** When it would have been empty, had nothing been taken since. */
  #emptyMs: number;

  constructor({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketConfig, clock: Clock, initialTokens = maxTokens) {
    this.maxTokens = maxTokens;
    this.#perMs = tokensPerFill / fillIntervalMs;
    this.#clock = clock;
    this.#emptyMs = clock.monotonicMs() - initialTokens / this.#perMs;
  }

  get tokensPerMs(): number {
    return this.#perMs;
  }

  /** With a fraction. */
  get remaining(): number {
    return Math.min(this.maxTokens, (this.#clock.monotonicMs() - this.#emptyMs) * this.#perMs);
  }

  /** 0: there is one now. Envoy does not look at how much of it is there already, and neither do we. */
  get nextTokenMs(): number {
    return this.remaining >= 1 ? 0 : Math.ceil(1 / this.#perMs);
  }

  /** False: there are not enough, and none is taken. */
  take(tokens = 1): boolean {
    const { remaining } = this;
    // Sums of fractions end up a little below whole numbers.
    if (remaining + 1e-6 < tokens) return false;
    this.#emptyMs = this.#clock.monotonicMs() - Math.max(0, remaining - tokens) / this.#perMs;
    return true;
  }

  /** As many as there are, whole ones. */
  takeUpTo(tokens: number): number {
    const taken = Math.min(tokens, Math.floor(this.remaining + 1e-6));
    if (taken > 0) this.take(taken);
    return taken;
  }
}
