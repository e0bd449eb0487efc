// What a proxy is and says of itself, on all of its threads.

export interface LocalInfo {
  /** The node's `cluster`: Envoy's --service-cluster. */
  readonly cluster: string;
  /** An operator has failed this proxy's health checks (`POST /healthcheck/fail`). */
  readonly healthCheckFailed: boolean;
}

/** A flag in memory that all threads see: a thread that is replaced knows it from the start. */
export class SharedLocalInfo implements LocalInfo {
  readonly cluster: string;
  readonly shared: SharedArrayBuffer;
  readonly #failed: Int32Array;

  constructor(cluster: string, shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.cluster = cluster;
    this.shared = shared;
    this.#failed = new Int32Array(shared);
  }

  get healthCheckFailed(): boolean {
    return Atomics.load(this.#failed, 0) !== 0;
  }

  failHealthChecks(fail: boolean): void {
    Atomics.store(this.#failed, 0, fail ? 1 : 0);
  }
}
