// gRPC statistics of one cluster on one thread: `cluster.<name>.grpc.*`, for one method where asked (`grpc.<service>.<method>.*`), and
// `grpc-web.*` beside it. Made with the first gRPC call that a filter counts.
import type { Counter, Histogram, StatsScope } from "#telemetry/stats/store";

export interface GrpcMethod {
  readonly service: string;
  readonly method: string;
}

export type GrpcFlavour = "grpc" | "grpc-web";

/** Method names come from clients: beyond this many, calls count without their method. */
const MAX_METHODS = 1000;

export class GrpcMethodStats {
  readonly success: Counter;
  readonly failure: Counter;
  readonly total: Counter;
  readonly requestMessageCount: Counter;
  readonly responseMessageCount: Counter;
  readonly #scope: StatsScope;
  readonly #byStatus = new Map<string, Counter>();
  #upstreamRqTime: Histogram | undefined;

  constructor(scope: StatsScope) {
    this.#scope = scope;
    this.success = scope.counter("success");
    this.failure = scope.counter("failure");
    this.total = scope.counter("total");
    this.requestMessageCount = scope.counter("request_message_count");
    this.responseMessageCount = scope.counter("response_message_count");
  }

  /** The value of grpc-status. */
  chargeStatus(status: string): void {
    // What is no status code of gRPC counts as Envoy counts it, under one name: the number of names must not be the upstream's choice.
    const name = /^(?:\d|1[0-6])$/.test(status) ? status : "-1";
    let counter = this.#byStatus.get(name);
    if (counter === undefined) this.#byStatus.set(name, (counter = this.#scope.counter(name)));
    counter.inc();
    (name === "0" ? this.success : this.failure).inc();
    this.total.inc();
  }

  recordUpstreamTime(ms: number): void {
    this.#upstreamRqTime ??= this.#scope.histogram("upstream_rq_time");
    this.#upstreamRqTime.record(ms);
  }
}

export class GrpcStats {
  readonly #scope: StatsScope;
  readonly #whole = new Map<GrpcFlavour, GrpcMethodStats>();
  readonly #methods = new Map<string, GrpcMethodStats>();

  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  /** `method` undefined: of all methods together. */
  of(flavour: GrpcFlavour, method: GrpcMethod | undefined): GrpcMethodStats {
    if (method === undefined) return this.#ofAll(flavour);
    const key = `${flavour}/${method.service}/${method.method}`;
    let stats = this.#methods.get(key);
    if (stats !== undefined) return stats;
    if (this.#methods.size >= MAX_METHODS) return this.#ofAll(flavour);
    const scope =
      flavour === "grpc"
        ? this.#scope.scope(
            flavour,
            { tag: "envoy.grpc_bridge_service", value: method.service },
            { tag: "envoy.grpc_bridge_method", value: method.method },
          )
        : this.#scope.scope(flavour, method.service, method.method);
    stats = new GrpcMethodStats(scope);
    this.#methods.set(key, stats);
    return stats;
  }

  #ofAll(flavour: GrpcFlavour): GrpcMethodStats {
    let stats = this.#whole.get(flavour);
    if (stats === undefined) this.#whole.set(flavour, (stats = new GrpcMethodStats(this.#scope.scope(flavour))));
    return stats;
  }
}
