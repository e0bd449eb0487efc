// Envoy's back-off of xDS streams: a random share of a limit that doubles from 500 ms to 30 s.
import type { Random } from "#runtime/random";

export interface BackOffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

const XDS_BACK_OFF: BackOffOptions = { baseMs: 500, maxMs: 30_000 };

export class BackOff {
  readonly #random: Random;
  readonly #options: BackOffOptions;
  #limitMs: number;

  constructor(random: Random, options: BackOffOptions = XDS_BACK_OFF) {
    this.#random = random;
    this.#options = options;
    this.#limitMs = options.baseMs;
  }

  /** How long to wait before the next attempt. */
  nextMs(): number {
    const delay = this.#random.integer(this.#limitMs);
    this.#limitMs = Math.min(this.#limitMs * 2, this.#options.maxMs);
    return delay;
  }

  reset(): void {
    this.#limitMs = this.#options.baseMs;
  }
}
