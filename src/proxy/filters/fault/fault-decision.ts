// What of a fault one request gets: the configuration says it, its headers where it lets them, and runtime layers have the last word. Keys
// and their order are Envoy's: of clients that name their cluster, shares go by keys of that cluster alone.
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { Runtime } from "#proxy/runtime/runtime";
import type { AbortStatus, FaultConfig } from "./fault-config.ts";

export class FaultDecision {
  readonly #fault: FaultConfig;
  readonly #headers: RequestHeaderMap;
  readonly #runtime: Runtime;
  /** `fault.http.CLUSTER.`; "": the client names none. */
  readonly #ofCluster: string;

  constructor(fault: FaultConfig, headers: RequestHeaderMap, runtime: Runtime) {
    this.#fault = fault;
    this.#headers = headers;
    this.#runtime = runtime;
    const cluster = headers.get("x-envoy-downstream-service-cluster") ?? "";
    this.#ofCluster = cluster === "" ? "" : `fault.http.${cluster}.`;
  }

  get maxActiveFaults(): number {
    const { maxActiveFaults, keys } = this.#fault;
    return this.#runtime.integer(keys.maxActiveFaults, maxActiveFaults);
  }

  get delayShare(): number {
    return this.#share("delay.fixed_delay_percent", this.#fault.keys.delayPercent, this.#fault.delay?.share(this.#headers) ?? 0);
  }

  /** 0: no delay. */
  get delayMs(): number {
    const configured = this.#fault.delay?.durationMs(this.#headers);
    if (configured === undefined) return 0;
    return this.#integer("delay.fixed_duration_ms", this.#fault.keys.delayDuration, configured);
  }

  get abortShare(): number {
    return this.#share("abort.abort_percent", this.#fault.keys.abortPercent, this.#fault.abort?.share(this.#headers) ?? 0);
  }

  /** Undefined: there is nothing to answer. */
  get abortStatus(): AbortStatus | undefined {
    const configured = this.#fault.abort?.status(this.#headers);
    if (configured === undefined) return undefined;
    const { keys } = this.#fault;
    const { status, grpcStatus } = configured;
    if (grpcStatus === undefined) {
      const layered = this.#integer("abort.http_status", keys.abortHttpStatus, status);
      // What is no status of a response would break the client's connection.
      return { status: layered >= 200 && layered < 600 ? layered : status, grpcStatus };
    }
    return { status, grpcStatus: this.#integer("abort.grpc_status", keys.abortGrpcStatus, grpcStatus) };
  }

  get responseRateShare(): number {
    const { responseRate, keys } = this.#fault;
    return this.#runtime.share(keys.responseRateLimitPercent, responseRate?.share(this.#headers) ?? 0);
  }

  #share(ofCluster: string, key: string, configured: number): number {
    return this.#runtime.share(this.#ofCluster === "" ? key : this.#ofCluster + ofCluster, configured);
  }

  #integer(ofCluster: string, key: string, configured: number): number {
    const value = this.#runtime.integer(key, configured);
    return this.#ofCluster === "" ? value : this.#runtime.integer(this.#ofCluster + ofCluster, value);
  }
}
