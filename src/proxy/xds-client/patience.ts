// How long resources wait for others: each wait has a key and an end, and some of what was waited for is given up for good.
import type { Clock, Timer } from "#runtime/clock";

export class Patience {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  /** Needs that nobody waits for any more: the server says there is no such thing, or took too long. */
  readonly #givenUp = new Set<string>();
  readonly #timers = new Map<string, Timer>();

  /** `onEnd`: after the end of any wait. */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  over(key: string): boolean {
    return this.#givenUp.has(key);
  }

  giveUp(key: string): void {
    this.#givenUp.add(key);
  }

  /** True: it had been given up. */
  forget(key: string): boolean {
    return this.#givenUp.delete(key);
  }

  /** Keys are `type name`. */
  keepOnly(type: string, wanted: ReadonlyMap<string, unknown>): void {
    for (const key of this.#givenUp) {
      const name = key.startsWith(`${type} `) ? key.slice(type.length + 1) : undefined;
      if (name !== undefined && !wanted.has(name)) this.#givenUp.delete(key);
    }
  }

  /** Does nothing when that wait has begun already. */
  wait(key: string, delayMs: number, then: () => void): void {
    if (this.#timers.has(key)) return;
    const timer = this.#clock.setTimer(
      delayMs,
      () => {
        this.#timers.delete(key);
        then();
        this.#onEnd();
      },
      true,
    );
    this.#timers.set(key, timer);
  }

  stop(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
