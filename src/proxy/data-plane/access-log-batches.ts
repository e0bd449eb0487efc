// Access log lines of one proxy on one traffic thread, gathered per file and handed to the main thread, which writes them. What the
// main thread has not written yet is bounded: a slow disk or terminal costs lines, which are counted, never memory or traffic.
import type { AccessLogSinks } from "#proxy/thread-context";
import type { Counter } from "#telemetry/stats/store";
import type { Clock, Timer } from "#runtime/clock";

const FLUSH_MS = 100;
const FLUSH_BYTES = 64 * 1024;
const MAX_PENDING_BYTES = 1024 * 1024;

interface Batch {
  readonly path: string;
  text: string;
}

export interface AccessLogBatchesOptions {
  readonly clock: Clock;
  /** Lines that were given up. */
  readonly dropped: Counter;
  /** Hands a batch on; `written` is called with its size once it is written. */
  readonly post: (path: string, text: string, bytes: number) => void;
}

export class AccessLogBatches implements AccessLogSinks {
  readonly #options: AccessLogBatchesOptions;
  readonly #batches = new Map<string, Batch>();
  #waitingBytes = 0;
  #postedBytes = 0;
  #timer: Timer | undefined;

  constructor(options: AccessLogBatchesOptions) {
    this.#options = options;
  }

  open(path: string): { write(line: string): void } {
    let batch = this.#batches.get(path);
    if (batch === undefined) {
      batch = { path, text: "" };
      this.#batches.set(path, batch);
    }
    const own = batch;
    return { write: (line) => this.#write(own, line) };
  }

  /** The main thread has written that much. */
  written(bytes: number): void {
    this.#postedBytes -= bytes;
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const batch of this.#batches.values()) {
      if (batch.text === "") continue;
      const { text, path } = batch;
      batch.text = "";
      this.#postedBytes += text.length;
      this.#options.post(path, text, text.length);
    }
    this.#waitingBytes = 0;
  }

  // Sizes are counted in characters: a bound needs no more, and counting bytes would cost every line.
  #write(batch: Batch, line: string): void {
    const ended = line.endsWith("\n") ? line : `${line}\n`;
    if (this.#postedBytes + this.#waitingBytes + ended.length > MAX_PENDING_BYTES) {
      this.#options.dropped.inc();
      return;
    }
    batch.text += ended;
    this.#waitingBytes += ended.length;
    if (this.#waitingBytes >= FLUSH_BYTES) this.flush();
    else this.#timer ??= this.#options.clock.setTimer(FLUSH_MS, () => this.flush(), true);
  }
}
