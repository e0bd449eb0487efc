// The events that one watcher has not taken yet. A watcher that falls behind is told so and ends, as Kubernetes does: it must not
// hold memory, and it can list again.
import type { ObjectWatch, WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";

/** Events that were taken are let go of in batches. */
const TAKEN_MAX = 256;

export class WatchQueue implements ObjectWatch {
  /** What there is at the beginning is no backlog: it is read as fast as the watcher takes it. */
  readonly #initial: Iterator<WatchEvent>;
  #initialDone = false;
  #waiting: WatchEvent[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;
  #end: StatusError | "closed" | undefined;
  readonly #onEnd: () => void;
  wantsBookmarks = false;

  constructor(initial: Iterable<WatchEvent>, onEnd: () => void) {
    this.#initial = initial[Symbol.iterator]();
    this.#onEnd = onEnd;
  }

  push(event: WatchEvent, maxWaiting: number): void {
    if (this.#end !== undefined) return;
    if (this.#waiting.length - this.#taken >= maxWaiting) {
      this.#waiting = [];
      this.#taken = 0;
      this.fail(StatusError.expired("the watch is too slow: events were dropped; start again with a list"));
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Says nothing to somebody who still has events to read: the bookmark would only make it wait longer. */
  bookmark(resourceVersion: string, maxWaiting: number): void {
    if (!this.wantsBookmarks || this.#waiting.length > this.#taken || !this.#initialDone) return;
    this.push({ type: "BOOKMARK", resourceVersion, initialEventsEnd: false }, maxWaiting);
  }

  /** What is waiting is still read, then the error is thrown. */
  fail(error: StatusError): void {
    this.#finish(error);
  }

  close(): void {
    this.#finish("closed");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, void> {
    try {
      for (let next = this.#initial.next(); next.done !== true; next = this.#initial.next()) {
        if (this.#end === "closed") return;
        yield next.value;
      }
      this.#initialDone = true;
      for (;;) {
        if (this.#end === "closed") return;
        if (this.#taken < this.#waiting.length) {
          const event = this.#waiting[this.#taken++] as WatchEvent;
          if (this.#taken === this.#waiting.length || this.#taken === TAKEN_MAX) {
            this.#waiting.splice(0, this.#taken);
            this.#taken = 0;
          }
          yield event;
          continue;
        }
        if (this.#end !== undefined) throw this.#end;
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
        this.#wake = undefined;
      }
    } finally {
      this.close();
    }
  }

  #finish(end: StatusError | "closed"): void {
    const first = this.#end === undefined;
    if (first || end === "closed") this.#end = end;
    this.#wake?.();
    if (first) this.#onEnd();
  }
}
