// Memory that was freed goes back to the system. glibc keeps it, in the middle of what it got, for the next allocation: 10 MB after a change of
// configuration, and nearly 30 MB of read buffers after a burst of connections, for good.
import { platform } from "node:process";
import koffi from "koffi";
import type { Clock, Timer } from "#runtime/clock";

/** Changes come in groups: one trim for all of them. It takes 1 to 2 ms of the main thread. */
const AFTER_CHANGE_MS = 2000;
const REGULAR_MS = 30_000;

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
  #next: Timer | undefined;
  #soon = false;

  constructor(clock: Clock, trim: (() => void) | undefined) {
    this.#clock = clock;
    this.#trim = trim;
    this.#wait(REGULAR_MS);
  }

  /** A change of configuration is live. */
  changed(): void {
    if (this.#soon) return;
    this.#soon = true;
    this.#wait(AFTER_CHANGE_MS);
  }

  close(): void {
    this.#next?.cancel();
  }

  #wait(delayMs: number): void {
    const trim = this.#trim;
    if (trim === undefined) return;
    this.#next?.cancel();
    const run = (): void => {
      this.#soon = false;
      trim();
      this.#wait(REGULAR_MS);
    };
    this.#next = this.#clock.setTimer(delayMs, run, true);
  }
}
