// What waits for a connection to one host, longest first, counted as Envoy counts it. Pools of requests and of TCP connections have one each.
import type { Counter, Gauge } from "#telemetry/stats/store";
import type { HostStats } from "./host-stats.ts";

/** Of the cluster. */
export interface PendingStats {
  readonly rqPendingTotal: Counter;
  readonly rqPendingActive: Gauge;
  readonly rqPendingFailureEject: Counter;
}

export class PendingQueue<Item> {
  readonly #stats: PendingStats;
  readonly #host: HostStats;
  readonly #onLeft: () => void;
  #items: Item[] = [];

  /** `onLeft`: once for each item, however it leaves. */
  constructor(stats: PendingStats, host: HostStats, onLeft: () => void) {
    this.#stats = stats;
    this.#host = host;
    this.#onLeft = onLeft;
  }

  get length(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    this.#stats.rqPendingTotal.inc();
    this.#stats.rqPendingActive.inc();
    this.#host.rqPendingActive++;
    this.#items.push(item);
  }

  /** The one that waited longest. */
  take(): Item | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#leave();
    return item;
  }

  /** False: it does not wait any more. */
  remove(item: Item): boolean {
    const at = this.#items.indexOf(item);
    if (at === -1) return false;
    this.#items.splice(at, 1);
    this.#leave();
    return true;
  }

  /** Nobody waits any more; what `tell` adds waits anew. */
  fail(tell: (item: Item) => void): void {
    const items = this.#items;
    this.#items = [];
    for (const item of items) {
      this.#leave();
      this.#stats.rqPendingFailureEject.inc();
      tell(item);
    }
  }

  #leave(): void {
    this.#onLeft();
    this.#stats.rqPendingActive.dec();
    this.#host.rqPendingActive--;
  }
}
