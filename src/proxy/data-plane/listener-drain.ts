// `/drain_listeners`: connections end with one of their next responses, the likelier the longer the drain lasts, and listeners stop to
// accept: at once, or when the drain time is over, or never. As in Envoy a drain that has begun is not begun again.
import type { DrainOrder } from "#proxy/admin/admin-source";
import type { DrainDirection, SharedLocalInfo } from "#proxy/local-info";
import type { Clock, Timer } from "#runtime/clock";

export interface ListenerDrainOptions {
  readonly clock: Clock;
  readonly local: SharedLocalInfo;
  readonly drainTimeMs: number;
  readonly stopListeners: (direction: DrainDirection) => void;
}

export class ListenerDrain {
  readonly #options: ListenerDrainOptions;
  readonly #timers = new Set<Timer>();

  constructor(options: ListenerDrainOptions) {
    this.#options = options;
  }

  begin({ direction, graceful, skipExit }: DrainOrder): void {
    const { clock, local, drainTimeMs, stopListeners } = this.#options;
    const begun = local.startDrain(direction, clock.wallMs(), drainTimeMs);
    if (skipExit) return;
    if (!graceful) stopListeners(direction);
    else if (begun) {
      const timer = clock.setTimer(
        drainTimeMs,
        () => {
          this.#timers.delete(timer);
          stopListeners(direction);
        },
        true,
      );
      this.#timers.add(timer);
    }
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
