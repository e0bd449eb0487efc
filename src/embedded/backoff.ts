// How long to wait before something that died is started again: doubled each time, forgotten after it stayed alive for a while.

export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** A run this long counts as a success: the next wait is the first one again. */
  readonly resetAfterMs: number;
}

/** 1 s, 2 s, 4 s ... 30 s: for applications. */
export const APPLICATION_BACKOFF: BackoffOptions = { firstMs: 1_000, mostMs: 30_000, resetAfterMs: 10_000 };

/** For our own processes: traffic waits for the data plane, so the first restart is almost at once. */
export const PROCESS_BACKOFF: BackoffOptions = { firstMs: 50, mostMs: 5_000, resetAfterMs: 10_000 };

export class Backoff {
  #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The wait after a run that lasted `aliveMs`. */
  next(aliveMs: number): number {
    if (aliveMs >= this.#options.resetAfterMs) this.#failures = 0;
    const delayMs = Math.min(this.#options.mostMs, this.#options.firstMs * 2 ** this.#failures);
    this.#failures++;
    return delayMs;
  }
}
