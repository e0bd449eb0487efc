// envoy.filters.http.fault: delays and aborts a share of the requests, and slows responses down. A fault of the route takes the place of the filter's own.
// A delay may be followed by an abort; each has its own dice.
import type { Any } from "@bufbuild/protobuf/wkt";
import type {
  FilterResult,
  FilterStream,
  HttpFilter,
  HttpFilterCompiler,
  HttpFilterFactory,
  LocalReply,
  MessagePart,
  PartSink,
} from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { DEFAULT_FILL_INTERVAL_MS, RateLimitedBody } from "#proxy/http/rate-limited-body";
import { TokenBucket } from "#proxy/token-bucket";
import type { HeaderMatcher } from "#matcher/header-matcher";
import type { Timer } from "#runtime/clock";
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";
import { compileFault } from "./fault-config.ts";
import type { FaultConfig } from "./fault-config.ts";
import { FaultDecision } from "./fault-decision.ts";

class FaultStats {
  readonly delaysInjected: Counter;
  readonly abortsInjected: Counter;
  readonly responseRateLimitsInjected: Counter;
  readonly faultsOverflow: Counter;
  readonly activeFaults: Gauge;

  constructor(stats: StatsScope) {
    this.delaysInjected = stats.counter("fault", "delays_injected");
    this.abortsInjected = stats.counter("fault", "aborts_injected");
    this.responseRateLimitsInjected = stats.counter("fault", "response_rl_injected");
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
      if (fault.delay === undefined && fault.abort === undefined && fault.responseRate === undefined) return undefined;
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
  /** Bytes a second; undefined: this stream's response is not slowed down. */
  #responseRate: number | undefined;
  #response: RateLimitedBody<ResponseHeaderMap> | undefined;
  /** Only where a response may be slowed down. */
  readonly takeResponse?: NonNullable<HttpFilter["takeResponse"]>;

  constructor(stream: FilterStream, fault: FaultConfig, stats: FaultStats | undefined, active: ActiveFaults) {
    this.#stream = stream;
    this.#fault = fault;
    this.#stats = stats;
    this.#active = active;
    if (fault.responseRate !== undefined) this.takeResponse = (part, onward) => this.#takeResponse(part, onward);
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    if (!this.#applies(headers)) return undefined;
    const decision = new FaultDecision(this.#fault, headers, this.#stream.routeInput.runtime);
    if (this.#active.count >= decision.maxActiveFaults) {
      this.#stats?.faultsOverflow.inc();
      return undefined;
    }
    this.#slowResponse(headers, decision);
    const delayMs = this.#fault.delay !== undefined && this.#rolls(decision.delayShare) ? decision.delayMs : 0;
    if (delayMs === 0) return this.#abort(decision);
    this.#activate();
    this.#stats?.delaysInjected.inc();
    this.#stream.info.flags.add("DI");
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#timer = this.#stream.clock.setTimer(delayMs, () => {
        this.#resume = undefined;
        resolve(this.#stream.ended ? undefined : this.#abort(decision));
      });
    });
  }

  onDestroy(): void {
    this.#timer?.cancel();
    this.#response?.destroy();
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
    return route?.chooseCluster(this.#stream.routeInput)?.cluster === upstreamCluster;
  }

  #rolls(share: number): boolean {
    return share >= 1 || (share > 0 && this.#stream.random.next() < share);
  }

  #slowResponse(headers: RequestHeaderMap, decision: FaultDecision): void {
    const { responseRate } = this.#fault;
    const kbps = responseRate?.kbps(headers);
    if (responseRate === undefined || kbps === undefined || !this.#rolls(decision.responseRateShare)) return;
    this.#activate();
    this.#stats?.responseRateLimitsInjected.inc();
    this.#responseRate = kbps * 1024;
  }

  #takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    const { clock, bufferLimitBytes } = this.#stream;
    const rate = this.#responseRate;
    if (part.kind === "headers" || rate === undefined) {
      onward.push(part);
      return;
    }
    if (this.#response === undefined) {
      const fillIntervalMs = DEFAULT_FILL_INTERVAL_MS;
      // One interval's worth to begin with, so that short bodies are slow, too.
      const bucket = new TokenBucket({ maxTokens: rate, tokensPerFill: rate, fillIntervalMs: 1000 }, clock, (rate * fillIntervalMs) / 1000);
      this.#response = new RateLimitedBody({ bucket, clock, fillIntervalMs, limitBytes: bufferLimitBytes }, onward, {
        onSent() {},
        onEnd: (received) => received,
      });
    }
    if (part.kind === "data") this.#response.write(part.chunk, part.endStream);
    else this.#response.end(part.trailers);
  }

  #abort(decision: FaultDecision): LocalReply | undefined {
    const status = decision.abortStatus;
    if (status === undefined || !this.#rolls(decision.abortShare)) return undefined;
    this.#activate();
    this.#stats?.abortsInjected.inc();
    const reply = {
      kind: "local-reply",
      status: status.status,
      body: "fault filter abort",
      flag: "FI",
      details: "fault_filter_abort",
    } as const;
    return status.grpcStatus === undefined ? reply : { ...reply, grpcStatus: status.grpcStatus };
  }

  #activate(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#active.count++;
    this.#stats?.activeFaults.inc();
  }
}
