// Listeners that are fine but for their address, which somebody else has now: each is tried again from time to time.
import type { Clock, Timer } from "#runtime/clock";
import type { IncomingResource, ResponseResult, UnboundListener } from "./response-result.ts";

const REBIND_MS = 2000;

export class UnboundListeners {
  readonly #clock: Clock;
  readonly #bindAgain: (listeners: readonly IncomingResource[]) => void;
  readonly #byName = new Map<string, UnboundListener>();
  /** The newest response with listeners was refused for nothing but addresses that were taken. */
  #onlyUnbound = false;
  #timer: Timer | undefined;

  constructor(clock: Clock, bindAgain: (listeners: readonly IncomingResource[]) => void) {
    this.#clock = clock;
    this.#bindAgain = bindAgain;
  }

  /** All of the newest response is served now. */
  get nothingElseWasRefused(): boolean {
    return this.#byName.size === 0 && this.#onlyUnbound;
  }

  delete(name: string): void {
    this.#byName.delete(name);
  }

  note(accepted: readonly IncomingResource[], unbound: readonly UnboundListener[]): void {
    for (const { name } of accepted) this.#byName.delete(name);
    for (const listener of unbound) this.#byName.set(listener.resource.name, listener);
    if (this.#byName.size > 0) this.#timer ??= this.#clock.setTimer(REBIND_MS, () => this.#tryAll(), true);
  }

  /**
   * Those of earlier responses are said again: an ACK would tell the control plane that all its listeners are served.
   * `refused`: how much of this response was, `unbound` of it included.
   */
  refusedBefore({ unbound }: ResponseResult, refused: number): string[] {
    const now = new Set(unbound.map(({ resource }) => resource.name));
    const before = [...this.#byName.values()].filter(({ resource }) => !now.has(resource.name)).map(({ reason }) => reason);
    this.#onlyUnbound = refused + before.length === this.#byName.size;
    return before;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #tryAll(): void {
    this.#timer = undefined;
    const all = [...this.#byName.values()].map(({ resource }) => resource);
    if (all.length > 0) this.#bindAgain(all);
  }
}
