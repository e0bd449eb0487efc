// envoy.filters.http.bandwidth_limit: bodies of all streams together at a limited rate, each direction by itself. Each traffic thread has
// buckets of its own.
import { BandwidthLimitSchema } from "#envoy/gen/envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb";
import type { FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory, MessagePart, PartSink } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { PairTrailerMap } from "#proxy/http/pair-header-map";
import { RateLimitedBody } from "#proxy/http/rate-limited-body";
import { flagNow } from "#proxy/runtime/runtime-fields";
import type { ThreadContext } from "#proxy/thread-context";
import { TokenBucket } from "#proxy/token-bucket";
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";
import { compileBandwidthLimit } from "./bandwidth-limit-config.ts";
import type { BandwidthLimitConfig } from "./bandwidth-limit-config.ts";

class DirectionStats {
  readonly enabled: Counter;
  readonly enforced: Counter;
  readonly pending: Gauge;
  readonly incomingSize: Gauge;
  readonly allowedSize: Gauge;
  readonly incomingTotal: Counter;
  readonly allowedTotal: Counter;
  readonly transferMs: Histogram;

  constructor(scope: StatsScope, direction: "request" | "response") {
    this.enabled = scope.counter(`${direction}_enabled`);
    this.enforced = scope.counter(`${direction}_enforced`);
    this.pending = scope.gauge(`${direction}_pending`);
    this.incomingSize = scope.gauge(`${direction}_incoming_size`);
    this.allowedSize = scope.gauge(`${direction}_allowed_size`);
    this.incomingTotal = scope.counter(`${direction}_incoming_total_size`);
    this.allowedTotal = scope.counter(`${direction}_allowed_total_size`);
    this.transferMs = scope.histogram(`${direction}_transfer_duration`);
  }
}

/** What one config needs on one thread. */
class Live {
  readonly config: BandwidthLimitConfig;
  readonly scope: StatsScope;
  readonly request: DirectionStats;
  readonly response: DirectionStats;
  /** Both directions take from it, as in Envoy. */
  readonly bucket: TokenBucket;

  constructor(config: BandwidthLimitConfig, { stats, clock }: ThreadContext) {
    this.config = config;
    this.scope = stats.scope(config.statPrefix, "http_bandwidth_limit");
    this.request = new DirectionStats(this.scope, "request");
    this.response = new DirectionStats(this.scope, "response");
    this.bucket = new TokenBucket({ maxTokens: config.bytesPerSecond, tokensPerFill: config.bytesPerSecond, fillIntervalMs: 1000 }, clock);
  }
}

export const bandwidthLimitFilterCompiler: HttpFilterCompiler = {
  configTypes: [BandwidthLimitSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    const config = compileBandwidthLimit(any, path, false);
    return { name, create: () => undefined, withStats: (_, thread) => liveFactory(name, config, thread) };
  },
  compileRouteConfig: (any, path) => compileBandwidthLimit(any, path, true),
};

function liveFactory(name: string, config: BandwidthLimitConfig, thread: ThreadContext): HttpFilterFactory {
  const own = new Live(config, thread);
  const ofRoutes = new WeakMap<BandwidthLimitConfig, Live>();
  const scopes = new Set([own.scope]);
  return {
    name,
    create(stream) {
      const routeConfig = stream.filterConfigs()?.get(name) as BandwidthLimitConfig | undefined;
      let live = routeConfig === undefined ? own : ofRoutes.get(routeConfig);
      if (live === undefined) {
        live = new Live(routeConfig!, thread);
        ofRoutes.set(live.config, live);
        scopes.add(live.scope);
      }
      const { limitsRequests, limitsResponses, enabled } = live.config;
      return (limitsRequests || limitsResponses) && flagNow(enabled, thread.runtime) ? new BandwidthLimitFilter(stream, live) : undefined;
    },
    release() {
      for (const scope of scopes) scope.release();
    },
  };
}

/** One direction of a stream: its body, and how long the filter had it. */
class Transfer<Headers> {
  readonly #stats: DirectionStats;
  readonly #stream: FilterStream;
  readonly #body: RateLimitedBody<Headers>;
  #startMs: number | undefined;
  /** How long something of it had to wait for tokens. */
  delayMs = 0;
  durationMs = 0;

  constructor(
    stream: FilterStream,
    live: Live,
    stats: DirectionStats,
    onward: PartSink<Headers>,
    trailers: (received: TrailerMap | undefined) => TrailerMap | undefined,
  ) {
    this.#stats = stats;
    this.#stream = stream;
    stats.enabled.inc();
    const { fillIntervalMs } = live.config;
    const options = { bucket: live.bucket, clock: stream.clock, fillIntervalMs, limitBytes: stream.bufferLimitBytes };
    this.#body = new RateLimitedBody(options, onward, {
      onSent: (bytes, limited) => {
        stats.allowedSize.set(bytes);
        stats.allowedTotal.add(bytes);
        if (!limited) return;
        stats.enforced.inc();
        this.delayMs += fillIntervalMs;
      },
      onEnd: (received) => {
        this.#finish();
        return trailers(received);
      },
    });
  }

  take(part: MessagePart<Headers>): void {
    if (part.kind === "trailers") this.#body.end(part.trailers);
    else if (part.kind === "data") {
      if (this.#startMs === undefined) {
        this.#startMs = this.#stream.clock.monotonicMs();
        this.#stats.pending.inc();
      }
      this.#stats.incomingSize.set(part.chunk.length);
      this.#stats.incomingTotal.add(part.chunk.length);
      this.#body.write(part.chunk, part.endStream);
    }
  }

  destroy(): void {
    this.#body.destroy();
    this.#finish();
  }

  #finish(): void {
    if (this.#startMs === undefined) return;
    this.durationMs = Math.trunc(this.#stream.clock.monotonicMs() - this.#startMs);
    this.#startMs = undefined;
    this.#stats.transferMs.record(this.durationMs);
    this.#stats.pending.dec();
  }
}

class BandwidthLimitFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #live: Live;
  #request: Transfer<RequestHeaderMap> | undefined;
  #response: Transfer<ResponseHeaderMap> | undefined;

  constructor(stream: FilterStream, live: Live) {
    this.#stream = stream;
    this.#live = live;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    const live = this.#live;
    if (part.kind === "headers" && live.config.limitsRequests)
      this.#request = new Transfer(this.#stream, live, live.request, onward, (received) => received);
    if (part.kind === "headers" || this.#request === undefined) onward.push(part);
    else this.#request.take(part);
  }

  takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    const live = this.#live;
    if (part.kind === "headers" && live.config.limitsResponses)
      this.#response = new Transfer(this.#stream, live, live.response, onward, (received) => this.#trailers(received));
    if (part.kind === "headers" || this.#response === undefined) onward.push(part);
    else this.#response.take(part);
  }

  onDestroy(): void {
    this.#request?.destroy();
    this.#response?.destroy();
  }

  /** The delays that are not 0, where the config asks for them. */
  #trailers(received: TrailerMap | undefined): TrailerMap | undefined {
    const { responseTrailers, trailerPrefix } = this.#live.config;
    if (!responseTrailers) return received;
    const trailers = received ?? new PairTrailerMap();
    const [request, response] = [this.#request, this.#response];
    for (const [name, ms] of [
      ["request-delay-ms", request?.delayMs],
      ["response-delay-ms", response?.delayMs],
      ["request-filter-delay-ms", request?.durationMs],
      ["response-filter-delay-ms", response?.durationMs],
    ] as const) {
      if (ms !== undefined && ms > 0) trailers.set(`${trailerPrefix}bandwidth-${name}`, String(ms));
    }
    return trailers;
  }
}
