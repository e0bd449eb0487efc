// Gathers a burst of changes into one push: it runs when nothing came for `quietMs`, and at the latest `maxMs` after the first.
import type { Clock, Timer } from "#runtime/clock";

export interface DebounceOptions {
  readonly clock: Clock;
  readonly quietMs: () => number;
  readonly maxMs: () => number;
  readonly run: () => void;
}

export class Debounce {
  readonly #options: DebounceOptions;
  #timer: Timer | undefined;
  #firstMs = 0;

  constructor(options: DebounceOptions) {
    this.#options = options;
  }

  get pending(): boolean {
    return this.#timer !== undefined;
  }

  request(): void {
    const { clock, quietMs, maxMs } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#timer === undefined) this.#firstMs = nowMs;
    this.#timer?.cancel();
    const delayMs = Math.max(0, Math.min(quietMs(), this.#firstMs + maxMs() - nowMs));
    this.#timer = clock.setTimer(delayMs, () => this.flush());
  }

  /** Runs now when something is pending. */
  flush(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#options.run();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
