// The main thread's end of one traffic thread. Replaces the thread when it dies; whoever has proxies on it tells them again.
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { ThreadCommand, ThreadEvent, ThreadStart } from "./thread-messages.ts";

export interface ThreadHandleOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly start: ThreadStart;
  readonly onEvent: (thread: ThreadHandle, event: ThreadEvent) => void;
  /** The thread died: nothing that it was told counts any more. A new one takes commands from now on. */
  readonly onReplaced: (thread: ThreadHandle, generation: number) => void;
}

/** A thread that dies at once must not spin. */
const RESTART_MS = 200;

// The same file is a .ts in a checkout and a .js in the package.
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./traffic-thread.ts" : "./traffic-thread.js", import.meta.url);

/**
 * Each read brings a buffer outside of V8's heap. V8 marks the whole heap after every 64 MB of them, ten times a second where bodies are
 * large, although a scavenge has freed nearly all. With this flag they count like the rest: what stays alive decides. Scavenges still come
 * by the buffers' size, so that memory is bounded as before.
 */
const COUNT_BUFFERS_WITH_HEAP = "--external-memory-accounted-in-global-limit";

/**
 * Young objects of a thread: twice this many MB, whatever the process was started with (the main thread, where little is young, has less).
 * V8's 16 and our former 4 answered as many requests (bench http1, data-plane) and kept 24 and 4 MB more.
 */
const YOUNG_GENERATION = "--max-semi-space-size=2";

export class ThreadHandle {
  readonly #options: ThreadHandleOptions;
  #worker: Worker | undefined;
  #generation = 0;
  #closed = false;
  #restarts = 0;

  constructor(options: ThreadHandleOptions) {
    this.#options = options;
    this.#spawn();
  }

  /** Changes with every replacement: statistics of one generation are one source. */
  get generation(): number {
    return this.#generation;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** False between the death of a thread and its replacement. */
  get online(): boolean {
    return this.#worker !== undefined;
  }

  /** Commands sent while there is no thread are lost: the replacement is told everything. */
  send(command: ThreadCommand): boolean {
    if (this.#worker === undefined) return false;
    this.#worker.postMessage(command);
    return true;
  }

  /** For tests of what happens when a thread dies. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #spawn(): void {
    const { start, onEvent, onReplaced, log, clock } = this.#options;
    nextGeneration++;
    this.#generation = nextGeneration;
    setFlagsFromString(COUNT_BUFFERS_WITH_HEAP);
    setFlagsFromString(YOUNG_GENERATION);
    const worker = new Worker(ENTRY, { workerData: start, name: "traffic" });
    this.#worker = worker;
    worker.on("message", (event: ThreadEvent) => {
      if (this.#worker === worker) onEvent(this, event);
    });
    worker.on("error", (error: unknown) => {
      log.error("a traffic thread failed", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    worker.on("exit", (code) => {
      if (this.#closed || this.#worker !== worker) return;
      this.#worker = undefined;
      this.#restarts++;
      log.error("a traffic thread ended and is replaced", { code, restarts: this.#restarts });
      clock.setTimer(RESTART_MS, () => {
        if (this.#closed) return;
        const before = this.#generation;
        this.#spawn();
        onReplaced(this, before);
      });
    });
  }
}

let nextGeneration = 0;
