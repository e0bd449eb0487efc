// Who waits until the watch has told a revision.
import type { Clock, Timer } from "#runtime/clock";

interface Waiter {
  readonly revision: number;
  readonly done: (reached: boolean) => void;
}

export class RevisionWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #reached = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False: not within the time, or nobody will tell any more. */
  until(revision: number, withinMs: number): Promise<boolean> {
    if (revision <= this.#reached) return Promise.resolve(true);
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const waiter: Waiter = {
        revision,
        done: (reached) => {
          timer?.cancel();
          this.#waiting.delete(waiter);
          resolve(reached);
        },
      };
      this.#waiting.add(waiter);
      timer = this.#clock.setTimer(withinMs, () => waiter.done(false));
    });
  }

  reached(revision: number): void {
    this.#reached = Math.max(this.#reached, revision);
    for (const waiter of this.#waiting) if (waiter.revision <= this.#reached) waiter.done(true);
  }

  close(): void {
    for (const waiter of this.#waiting) waiter.done(false);
  }
}
