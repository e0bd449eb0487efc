// envoy.filters.http.fault: delays and aborts a share of the requests. A fault of the route takes the place of the filter's own.
// A delay may be followed by an abort; each has its own dice.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { HttpFilter, HttpFilterCompiler, HttpFilterFactory, FilterResult, FilterStream, LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { HeaderMatcher } from "#matcher/header-matcher";
import type { Timer } from "#runtime/clock";
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";
import { compileFault } from "./fault-config.ts";
import type { FaultConfig } from "./fault-config.ts";

class FaultStats {
  readonly delaysInjected: Counter;
  readonly abortsInjected: Counter;
  readonly faultsOverflow: Counter;
  readonly activeFaults: Gauge;

  constructor(stats: StatsScope) {
    this.delaysInjected = stats.counter("fault", "delays_injected");
    this.abortsInjected = stats.counter("fault", "aborts_injected");
    this.faultsOverflow = stats.counter("fault", "faults_overflow");
    this.activeFaults = stats.gauge("fault", "active_faults");
  }
}

/** Faults that this thread injects now: what max_active_faults is compared with. */
interface ActiveFaults {
  count: number;
}

export const faultFilterCompiler: HttpFilterCompiler = {
  configTypes: ["envoy.extensions.filters.http.fault.v3.HTTPFault"],
  compile(name: string, config: Any, path: string): HttpFilterFactory {
    return factory(name, compileFault(config, path), undefined);
  },
  compileRouteConfig: compileFault,
};

function factory(name: string, own: FaultConfig, stats: FaultStats | undefined): HttpFilterFactory {
  const active: ActiveFaults = { count: 0 };
  return {
    name,
    create(stream) {
      const fault = (stream.filterConfigs()?.get(name) as FaultConfig | undefined) ?? own;
      if (fault.delay === undefined && fault.abort === undefined) return undefined;
      return new FaultFilter(stream, fault, stats, active);
    },
    withStats: (scope) => factory(name, own, new FaultStats(scope)),
  };
}

class FaultFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #fault: FaultConfig;
  readonly #stats: FaultStats | undefined;
  readonly #active: ActiveFaults;
  #isActive = false;
  #timer: Timer | undefined;
  #resume: ((reply: undefined) => void) | undefined;

  constructor(stream: FilterStream, fault: FaultConfig, stats: FaultStats | undefined, active: ActiveFaults) {
    this.#stream = stream;
    this.#fault = fault;
    this.#stats = stats;
    this.#active = active;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    if (!this.#applies(headers)) return undefined;
    if (this.#active.count >= this.#fault.maxActiveFaults) {
      this.#stats?.faultsOverflow.inc();
      return undefined;
    }
    const { delay } = this.#fault;
    if (delay === undefined || !this.#rolls(delay.share)) return this.#abort();
    this.#activate();
    this.#stats?.delaysInjected.inc();
    this.#stream.info.flags.add("DI");
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#timer = this.#stream.clock.setTimer(delay.durationMs, () => {
        this.#resume = undefined;
        resolve(this.#stream.ended ? undefined : this.#abort());
      });
    });
  }

  onDestroy(): void {
    this.#timer?.cancel();
    // The stream is over while it waits: let the promise settle, so that nobody holds on to it.
    this.#resume?.(undefined);
    this.#resume = undefined;
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#active.count--;
    this.#stats?.activeFaults.dec();
  }

  #applies(headers: RequestHeaderMap): boolean {
    const { headers: matchers, upstreamCluster, downstreamNodes } = this.#fault;
    for (let i = 0; i < matchers.length; i++) {
      if (!(matchers[i] as HeaderMatcher).matches(headers)) return false;
    }
    if (downstreamNodes.size > 0 && !downstreamNodes.has(headers.get("x-envoy-downstream-service-node") ?? "")) return false;
    if (upstreamCluster === "") return true;
    const route = this.#stream.route();
    // Only a route with one cluster can be compared before the cluster is chosen.
    return route?.chooseCluster({ headers, randomValue: 0, tls: headers.scheme === "https" })?.cluster === upstreamCluster;
  }

  #rolls(share: number): boolean {
    return share >= 1 || (share > 0 && this.#stream.random.next() < share);
  }

  #abort(): LocalReply | undefined {
    const { abort } = this.#fault;
    if (abort === undefined || !this.#rolls(abort.share)) return undefined;
    this.#activate();
    this.#stats?.abortsInjected.inc();
    const reply = {
      kind: "local-reply",
      status: abort.status,
      body: "fault filter abort",
      flag: "FI",
      details: "fault_filter_abort",
    } as const;
    return abort.grpcStatus === undefined ? reply : { ...reply, grpcStatus: abort.grpcStatus };
  }

  #activate(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#active.count++;
    this.#stats?.activeFaults.inc();
  }
}
