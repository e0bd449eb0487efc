// Memory that was freed goes back to the system. glibc keeps it, in the middle of what it got, for the next allocation: 10 MB after a change of
// configuration, and nearly 30 MB of read buffers after a burst of connections, for good. V8 keeps what a change of configuration left behind on
// the main thread, 0.4 MB for each sidecar, until its heap has grown by half.
import { platform } from "node:process";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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

/** Less than so much more than after the last time is not worth it. */
const WORTH_COLLECTING_BYTES = 3_000_000;

/**
 * Of this thread, which serves no traffic: it takes 100 ms and more. V8's usual collection keeps the pages that it empties for a while, and takes
 * others for what it moves; one that thinks that there is no memory left gives them back.
 */
export function garbageCollection(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: object) => void;
  setFlagsFromString("--no-expose-gc");
  const usedBytes = (): number => getHeapStatistics().used_heap_size;
  let left = 0;
  return () => {
    if (usedBytes() - left < WORTH_COLLECTING_BYTES) return;
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
    left = usedBytes();
  };
}

export interface MemoryTrimOptions {
  readonly clock: Clock;
  /** undefined: there is no such thing here. */
  readonly trim: (() => void) | undefined;
  /** Only where no change has come for a while: the next one would have to wait for it. */
  readonly collect: () => void;
}

export class MemoryTrim {
  readonly #options: MemoryTrimOptions;
  #next: Timer | undefined;
  #soon = false;
  #lastChangeMs = Number.NEGATIVE_INFINITY;

  constructor(options: MemoryTrimOptions) {
    this.#options = options;
    this.#wait(REGULAR_MS);
  }

  /** A change of configuration is live. */
  changed(): void {
    this.#lastChangeMs = this.#options.clock.monotonicMs();
    if (this.#soon) return;
    this.#soon = true;
    this.#wait(AFTER_CHANGE_MS);
  }

  close(): void {
    this.#next?.cancel();
  }

  #wait(delayMs: number): void {
    this.#next?.cancel();
    this.#next = this.#options.clock.setTimer(delayMs, () => this.#run(), true);
  }

  #run(): void {
    const { clock, trim, collect } = this.#options;
    const quiet = clock.monotonicMs() - this.#lastChangeMs >= AFTER_CHANGE_MS;
    if (quiet) collect();
    trim?.();
    this.#soon = !quiet;
    this.#wait(quiet ? REGULAR_MS : AFTER_CHANGE_MS);
  }
}
