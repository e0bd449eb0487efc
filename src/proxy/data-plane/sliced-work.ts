// Work that would hold up traffic, done in slices: between two of them the thread serves what has arrived.
import type { Clock } from "#runtime/clock";

/** A request that arrives in a slice waits for its end; what a slice costs on top (a turn of the event loop) stays small beside it. */
const SLICE_MS = 3;
/** How many steps are taken between two looks at the clock. */
const STEPS = 8;

/** Runs `steps` to their end. Work that fits into one slice is done at once. @throws what a step throws */
export async function inSlices<T>(steps: Generator<void, T>, clock: Clock, pause: () => Promise<void>): Promise<T> {
  for (;;) {
    const untilMs = clock.monotonicMs() + SLICE_MS;
    do {
      for (let step = 0; step < STEPS; step++) {
        const { done, value } = steps.next();
        if (done === true) return value;
      }
    } while (clock.monotonicMs() < untilMs);
    await pause();
  }
}

/** Until the thread has looked after its sockets. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
