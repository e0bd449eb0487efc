// Writes access log batches of all threads on the main thread: to the process's own output with the proxy's prefix, or to files.
import { appendFile } from "node:fs/promises";
import type { Log } from "#runtime/log";

export interface Output {
  /** Calls back once the text has left. */
  stdout(text: string, done: () => void): void;
  stderr(text: string, done: () => void): void;
}

export class AccessLogWriter {
  readonly #output: Output;
  readonly #prefix: string;
  readonly #log: Log;
  /** Per file, so that batches stay in order. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #failing = new Set<string>();

  constructor(output: Output, prefix: string, log: Log) {
    this.#output = output;
    this.#prefix = prefix;
    this.#log = log;
  }

  /** `text`: whole lines. `done` is called when they are written, or cannot be. */
  write(path: string, text: string, done: () => void): void {
    if (path === "/dev/stdout") this.#output.stdout(this.#prefixed(text), done);
    else if (path === "/dev/stderr") this.#output.stderr(this.#prefixed(text), done);
    else {
      const tail = (this.#tails.get(path) ?? Promise.resolve()).then(() => this.#append(path, text)).finally(done);
      this.#tails.set(path, tail);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  // Opened for every batch: a file that was rotated away or deleted comes back on its own.
  async #append(path: string, text: string): Promise<void> {
    try {
      await appendFile(path, text, { mode: 0o644 });
      this.#failing.delete(path);
    } catch (error) {
      if (this.#failing.has(path)) return;
      this.#failing.add(path);
      this.#log.warn("access log cannot be written; its lines are lost until it can", { path, error: String(error) });
    }
  }

  #prefixed(text: string): string {
    if (this.#prefix === "") return text;
    return text
      .slice(0, -1)
      .split("\n")
      .map((line) => `${this.#prefix}${line}\n`)
      .join("");
  }
}
