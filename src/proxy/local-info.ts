// What a proxy is and says of itself, on all of its threads.
import type { Random } from "#runtime/random";

export type DrainDirection = "inbound" | "all";

export interface LocalInfo {
  /** The node's `cluster`: Envoy's --service-cluster. */
  readonly cluster: string;
  /** An operator has failed this proxy's health checks (`POST /healthcheck/fail`). */
  readonly healthCheckFailed: boolean;
  /** False: no connection has to end for what the proxy as a whole does. */
  readonly draining: boolean;
  /** Whether the response that is about to leave is the last one of its connection. The longer a drain lasts, the likelier, as in Envoy. */
  endsConnection(inbound: boolean, modifyOnly: boolean, wallMs: number, random: Random): boolean;
}

const FAILED = 1;
const DRAINS_INBOUND = 2;
const DRAINS_ALL = 4;

// Float64 slots behind the flags.
const INBOUND_DEADLINE = 1;
const ALL_DEADLINE = 2;
const DRAIN_TIME = 3;
const SLOTS = 4;

/** Flags in memory that all threads see: a thread that is replaced knows them from the start. */
export class SharedLocalInfo implements LocalInfo {
  readonly cluster: string;
  readonly shared: SharedArrayBuffer;
  readonly #flags: Int32Array;
  readonly #times: Float64Array;

  constructor(cluster: string, shared = new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT)) {
    this.cluster = cluster;
    this.shared = shared;
    this.#flags = new Int32Array(shared, 0, 1);
    this.#times = new Float64Array(shared);
  }

  get healthCheckFailed(): boolean {
    return (Atomics.load(this.#flags, 0) & FAILED) !== 0;
  }

  failHealthChecks(fail: boolean): void {
    if (fail) Atomics.or(this.#flags, 0, FAILED);
    else Atomics.and(this.#flags, 0, ~FAILED);
  }

  get draining(): boolean {
    return Atomics.load(this.#flags, 0) !== 0;
  }

  /** False: such a drain goes on already. */
  startDrain(direction: DrainDirection, wallMs: number, drainTimeMs: number): boolean {
    const flags = Atomics.load(this.#flags, 0);
    if ((flags & DRAINS_ALL) !== 0 || (direction === "inbound" && (flags & DRAINS_INBOUND) !== 0)) return false;
    this.#times[DRAIN_TIME] = drainTimeMs;
    this.#times[direction === "all" ? ALL_DEADLINE : INBOUND_DEADLINE] = wallMs + drainTimeMs;
    // After the times: a thread that sees the flag reads them.
    Atomics.or(this.#flags, 0, direction === "all" ? DRAINS_ALL : DRAINS_INBOUND);
    return true;
  }

  endsConnection(inbound: boolean, modifyOnly: boolean, wallMs: number, random: Random): boolean {
    const flags = Atomics.load(this.#flags, 0);
    if ((flags & FAILED) !== 0 && !modifyOnly) return true;
    const slot = inbound && (flags & DRAINS_INBOUND) !== 0 ? INBOUND_DEADLINE : (flags & DRAINS_ALL) !== 0 ? ALL_DEADLINE : 0;
    if (slot === 0) return false;
    const leftMs = this.#times[slot]! - wallMs;
    const drainTimeMs = this.#times[DRAIN_TIME]!;
    return leftMs <= 0 || drainTimeMs - leftMs > random.next() * drainTimeMs;
  }
}
