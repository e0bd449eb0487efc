// Coarse timers for streams and connections: a timer is a field of its owner, setting and cancelling it links two pointers. No
// closure, no clock timer per request. Timers of one duration wait in one queue, which is in order of time by itself; the clock is
// asked for one timer, for the earliest of all queues. What is due within the tick fires together: up to `TICK_MS` late, never early.
import type { Clock, Timer } from "#runtime/clock";

export const TICK_MS = 5;

/** A power of two. */
const RECENT = 16;

export interface TimerOwner {
  /** `kind` tells the owner's timers apart. */
  onTimer(kind: number): void;
}

/** One timer of an owner. It can be set again and again. */
export class WheelTimer {
  readonly owner: TimerOwner;
  readonly kind: number;
  /** @internal of the wheel */
  queue: Queue | undefined = undefined;
  /** @internal of the wheel */
  next: WheelTimer | undefined = undefined;
  /** @internal of the wheel */
  previous: WheelTimer | undefined = undefined;
  /** @internal of the wheel */
  deadlineMs = 0;

  constructor(owner: TimerOwner, kind: number) {
    this.owner = owner;
    this.kind = kind;
  }

  get pending(): boolean {
    return this.queue !== undefined;
  }
}

class Queue {
  readonly durationMs: number;
  head: WheelTimer | undefined = undefined;
  tail: WheelTimer | undefined = undefined;

  constructor(durationMs: number) {
    this.durationMs = durationMs;
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();
  /** Those that were asked for last, by their last digits: a stream sets the same few timers as the one before it. */
  readonly #recent: (Queue | undefined)[] = Array.from<undefined>({ length: RECENT }).fill(undefined);
  #armed: Timer | undefined;
  #armedAtMs = Number.POSITIVE_INFINITY;
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that are set: a leak check asks for 0. */
  get size(): number {
    return this.#size;
  }

  /** Sets the timer, or sets it anew. */
  set(timer: WheelTimer, delayMs: number): void {
    const durationMs = Math.max(1, Math.ceil(delayMs));
    const before = timer.queue;
    if (before !== undefined) this.cancel(timer);
    const queue = before?.durationMs === durationMs ? before : this.#queueOf(durationMs);
    const deadlineMs = this.#clock.monotonicMs() + durationMs;
    timer.deadlineMs = deadlineMs;
    timer.queue = queue;
    timer.next = undefined;
    timer.previous = queue.tail;
    if (queue.tail === undefined) queue.head = timer;
    else queue.tail.next = timer;
    queue.tail = timer;
    this.#size++;
    if (deadlineMs < this.#armedAtMs - TICK_MS) this.#arm(deadlineMs);
  }

  #queueOf(durationMs: number): Queue {
    const recent = this.#recent[durationMs & (RECENT - 1)];
    if (recent?.durationMs === durationMs) return recent;
    let queue = this.#queues.get(durationMs);
    if (queue === undefined) {
      queue = new Queue(durationMs);
      this.#queues.set(durationMs, queue);
    }
    this.#recent[durationMs & (RECENT - 1)] = queue;
    return queue;
  }

  cancel(timer: WheelTimer): void {
    const queue = timer.queue;
    if (queue === undefined) return;
    if (timer.previous === undefined) queue.head = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next === undefined) queue.tail = timer.previous;
    else timer.next.previous = timer.previous;
    timer.queue = undefined;
    timer.next = undefined;
    timer.previous = undefined;
    this.#size--;
    // The queue and the clock's timer stay: the next request most likely wants the same duration. They go when the timer fires idle.
  }

  /** For the end of a thread or test: nothing fires any more. */
  close(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
    this.#armedAtMs = Number.POSITIVE_INFINITY;
  }

  #forget({ durationMs }: Queue): void {
    this.#queues.delete(durationMs);
    this.#recent[durationMs & (RECENT - 1)] = undefined;
  }

  #arm(atMs: number): void {
    this.#armed?.cancel();
    this.#armedAtMs = atMs + TICK_MS;
    this.#armed = this.#clock.setTimer(Math.max(0, this.#armedAtMs - this.#clock.monotonicMs()), () => this.#fire(), true);
  }

  #fire(): void {
    this.#armed = undefined;
    this.#armedAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    for (const queue of this.#queues.values()) {
      // An owner may set and cancel timers while it is called, its own and others: the head is looked at anew each time.
      for (let timer = queue.head; timer !== undefined && timer.deadlineMs <= nowMs; timer = queue.head) {
        this.cancel(timer);
        timer.owner.onTimer(timer.kind);
      }
    }
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      if (queue.head === undefined) this.#forget(queue);
      else if (queue.head.deadlineMs < earliestMs) earliestMs = queue.head.deadlineMs;
    }
    if (earliestMs < this.#armedAtMs - TICK_MS) this.#arm(earliestMs);
  }
}
