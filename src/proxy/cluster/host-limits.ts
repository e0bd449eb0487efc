// per_host_thresholds: a host's own limit of connections, before the cluster's circuit breakers.
import type { PoolLimits } from "./http-pool.ts";
import type { Host } from "./cluster.ts";

export class HostLimits implements PoolLimits {
  readonly #limits: PoolLimits;
  readonly #host: Host;
  readonly #maxConnections: () => number | undefined;

  constructor(limits: PoolLimits, host: Host, maxConnections: () => number | undefined) {
    this.#limits = limits;
    this.#host = host;
    this.#maxConnections = maxConnections;
  }

  tryAcquireConnection(): boolean {
    if (this.#host.stats.cxActive >= (this.#maxConnections() ?? Number.POSITIVE_INFINITY)) return false;
    return this.#limits.tryAcquireConnection();
  }
  releaseConnection(): void {
    this.#limits.releaseConnection();
  }
  tryAcquirePending(): boolean {
    return this.#limits.tryAcquirePending();
  }
  releasePending(): void {
    this.#limits.releasePending();
  }
}
