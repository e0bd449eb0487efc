// A watch on an API server that goes on: a server ends each after some minutes, and connections break. It is taken up again from the
// last version that was told; only when the server has forgotten that does the watcher have to list again.
import type { ObjectWatch, WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { ApiClient } from "./api-client.ts";

const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 30_000;

export interface ApiWatchOptions {
  readonly client: ApiClient;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Told first, as added. */
  readonly initial: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly bookmarks: boolean;
  readonly initialEventsEnd: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly onInterrupted: (error: unknown) => void;
  readonly onEnd: () => void;
}

export class ApiWatch implements ObjectWatch {
  readonly #options: ApiWatchOptions;
  readonly #stop = new AbortController();

  constructor(options: ApiWatchOptions) {
    this.#options = options;
  }

  close(): void {
    this.#stop.abort();
    this.#options.onEnd();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, void> {
    const { initial, bookmarks, initialEventsEnd } = this.#options;
    let { resourceVersion } = this.#options;
    let retryMs = RETRY_MIN_MS;
    try {
      for (const object of initial) yield { type: "ADDED", object };
      if (initialEventsEnd) yield { type: "BOOKMARK", resourceVersion, initialEventsEnd: true };
      while (!this.#stop.signal.aborted) {
        try {
          for await (const { type, object } of this.#events(resourceVersion)) {
            if (this.#stop.signal.aborted) return;
            retryMs = RETRY_MIN_MS;
            resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
            if (type !== "BOOKMARK") yield { type: type as "ADDED" | "MODIFIED" | "DELETED", object };
            else if (bookmarks) yield { type, resourceVersion, initialEventsEnd: false };
          }
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          if (!mayPass(error)) throw error;
          this.#options.onInterrupted(error);
        }
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
    } finally {
      this.close();
    }
  }

  #events(resourceVersion: string) {
    const { client, path, query } = this.#options;
    const request = { method: "GET", path, query: { ...query, watch: true, allowWatchBookmarks: true, resourceVersion } } as const;
    return client.events(request, this.#stop.signal);
  }

  #pause(delayMs: number): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const timer = clock.setTimer(delayMs * (0.5 + random.next() / 2), done);
      function done(): void {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
    });
  }
}

/** The server is away or busy; anything else does not become better by waiting. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return ["ServiceUnavailable", "TooManyRequests", "Timeout", "InternalError"].includes(error.reason);
}
