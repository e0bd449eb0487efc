// Memory that was freed goes back to the system. glibc keeps it, in the middle of what it got, for the next allocation; after a change of
// configuration, which frees far more than traffic ever asks for, that is up to 10 MB for good.
import { platform } from "node:process";
import koffi from "koffi";
import type { Clock } from "#runtime/clock";

/** Changes come in groups: one trim for all of them. It takes 1 to 2 ms of the main thread. */
const TRIM_MS = 2000;

/** undefined: this C library has no such function, and keeps less. */
export function glibcTrim(): (() => void) | undefined {
  if (platform !== "linux") return undefined;
  try {
    const trim = koffi.load("libc.so.6").func("int malloc_trim(size_t)") as (keep: number) => number;
    return () => void trim(0);
  } catch {
    return undefined; // musl
  }
}

export class MemoryTrim {
  readonly #clock: Clock;
  readonly #trim: (() => void) | undefined;
  #waiting = false;

  constructor(clock: Clock, trim: (() => void) | undefined) {
    this.#clock = clock;
    this.#trim = trim;
  }

  /** A change of configuration is live. */
  changed(): void {
    const trim = this.#trim;
    if (trim === undefined || this.#waiting) return;
    this.#waiting = true;
    const run = (): void => {
      this.#waiting = false;
      trim();
    };
    this.#clock.setTimer(TRIM_MS, run, true);
  }
}
