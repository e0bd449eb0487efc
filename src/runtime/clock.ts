// Time arrives from outside, so that tests can move it. Nothing else in src/ asks the system for the time or for a timer.

/** What a timer was given; `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch: for what people read. May jump. */
  wallMs(): number;
  /** Milliseconds from an arbitrary start, with a fraction: for durations. Never goes back. */
  monotonicMs(): number;
  /** Runs `task` once, `delayMs` from now. The timer does not keep the process alive when `unref` is true. */
  setTimer(delayMs: number, task: () => void, unref?: boolean): Timer;
}

// Within an event time is read once: its parts are microseconds apart, and each look at the clock costs as much as they do.
const OUTSIDE = -2;
const UNREAD = -1;
let eventMs = OUTSIDE;

/** One event of a connection begins: until `leaveEvent` the real clock's monotonic time stands still. */
export function enterEvent(): void {
  eventMs = UNREAD;
}

export function leaveEvent(): void {
  eventMs = OUTSIDE;
}

function monotonicMs(): number {
  if (eventMs >= 0) return eventMs;
  const now = performance.now();
  if (eventMs === UNREAD) eventMs = now;
  return now;
}

class RealTimer implements Timer {
  #handle: NodeJS.Timeout;
  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle;
  }
  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** Node's timers know no longer time: what is beyond it they run at once. */
const LONGEST_MS = 2 ** 31 - 1;

class LongTimer implements Timer {
  #step: Timer;
  constructor(delayMs: number, task: () => void, unref: boolean) {
    this.#step = realClock.setTimer(
      LONGEST_MS,
      () => {
        this.#step = realClock.setTimer(delayMs - LONGEST_MS, task, unref);
      },
      unref,
    );
  }
  cancel(): void {
    this.#step.cancel();
  }
}

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs,
  setTimer(delayMs, task, unref = false) {
    if (delayMs > LONGEST_MS) return new LongTimer(delayMs, task, unref);
    const handle = setTimeout(task, delayMs);
    if (unref) handle.unref();
    return new RealTimer(handle);
  },
};

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
  cancelled: boolean;
}

/** A clock that stands still until a test moves it with `advance`. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  #waiting: Waiting[] = [];

  constructor(startMs = 1_000_000) {
    this.#now = startMs;
  }

  wallMs(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  setTimer(delayMs: number, task: () => void): Timer {
    const entry: Waiting = { at: this.#now + Math.max(0, delayMs), order: this.#order++, task, cancelled: false };
    this.#waiting.push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
        this.#waiting = this.#waiting.filter((other) => other !== entry);
      },
    };
  }

  /** Timers that are set and have neither fired nor been cancelled: a leak check asks for 0. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Moves time on and runs what falls due, in order of time, then of setting. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== next);
      this.#now = Math.max(this.#now, next.at);
      if (!next.cancelled) next.task();
    }
    this.#now = until;
  }
}
