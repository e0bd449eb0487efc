// How long the start waits for the first word of who serves all clusters, or all listeners. When it is over the start goes on without; what
// comes later is taken as ever.
import type { Clock, Timer } from "#runtime/clock";

export class InitialFetch {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onTimeout: () => void;
  #state: "not-begun" | "waiting" | "over" = "not-begun";
  #timer: Timer | undefined;

  /** `timeoutMs` 0: for ever. */
  constructor(clock: Clock, timeoutMs: number, onTimeout: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  /** There was an answer, good or bad, or the time is over. */
  get over(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    if (this.#state !== "not-begun") return;
    this.#state = "waiting";
    if (this.#timeoutMs === 0) return;
    this.#timer = this.#clock.setTimer(
      this.#timeoutMs,
      () => {
        this.#state = "over";
        this.#onTimeout();
      },
      true,
    );
  }

  answered(): void {
    this.#state = "over";
    this.close();
  }

  close(): void {
    this.#timer?.cancel();
  }
}
