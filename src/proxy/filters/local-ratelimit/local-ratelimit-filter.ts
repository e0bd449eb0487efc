// envoy.filters.http.local_ratelimit: a token a request, or 429. Each traffic thread has buckets of its own.
import { LocalRateLimitSchema } from "#envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { Descriptor } from "#proxy/route/rate-limit-actions";
import { canHold, shareNow } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";
import type { ThreadContext } from "#proxy/thread-context";
import type { TokenBucket } from "#proxy/token-bucket";
import type { Counter, StatsScope } from "#telemetry/stats/store";
import { LocalRateLimiter } from "./local-rate-limiter.ts";
import { compileLocalRateLimit } from "./local-ratelimit-config.ts";
import type { LocalRateLimitConfig } from "./local-ratelimit-config.ts";

/** What one config needs on one thread. */
class Live {
  readonly config: LocalRateLimitConfig;
  readonly scope: StatsScope;
  readonly enabled: Counter;
  readonly enforced: Counter;
  readonly rateLimited: Counter;
  readonly ok: Counter;
  readonly #shared: LocalRateLimiter;
  readonly #thread: ThreadContext;
  readonly #byConnection = new WeakMap<object, LocalRateLimiter>();

  constructor(config: LocalRateLimitConfig, thread: ThreadContext) {
    this.config = config;
    this.#thread = thread;
    this.scope = thread.stats.scope({ tag: "envoy.local_http_ratelimit_prefix", value: config.statPrefix }, "http_local_rate_limit");
    this.enabled = this.scope.counter("enabled");
    this.enforced = this.scope.counter("enforced");
    this.rateLimited = this.scope.counter("rate_limited");
    this.ok = this.scope.counter("ok");
    this.#shared = new LocalRateLimiter(config.limiter, thread.clock);
  }

  limiterOf(connection: object): LocalRateLimiter {
    if (!this.config.perConnection) return this.#shared;
    let own = this.#byConnection.get(connection);
    if (own === undefined) this.#byConnection.set(connection, (own = new LocalRateLimiter(this.config.limiter, this.#thread.clock)));
    return own;
  }
}

export const localRateLimitFilterCompiler: HttpFilterCompiler = {
  configTypes: [LocalRateLimitSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    const config = compileLocalRateLimit(any, path, false);
    return { name, create: () => undefined, withStats: (_, thread) => liveFactory(name, config, thread) };
  },
  compileRouteConfig: (any, path) => compileLocalRateLimit(any, path, true),
};

function liveFactory(name: string, config: LocalRateLimitConfig, thread: ThreadContext): HttpFilterFactory {
  const own = new Live(config, thread);
  /** Of routes: their buckets live as long as the route table that they stand in. */
  const ofRoutes = new WeakMap<LocalRateLimitConfig, Live>();
  const scopes = new Set([own.scope]);
  return {
    name,
    create(stream) {
      const routeConfig = stream.filterConfigs()?.get(name) as LocalRateLimitConfig | undefined;
      if (routeConfig === undefined) return canHold(config.enabled) ? new LocalRateLimitFilter(stream, own, thread) : undefined;
      let live = ofRoutes.get(routeConfig);
      if (live === undefined) {
        ofRoutes.set(routeConfig, (live = new Live(routeConfig, thread)));
        scopes.add(live.scope);
      }
      return new LocalRateLimitFilter(stream, live, thread);
    },
    release() {
      for (const scope of scopes) scope.release();
    },
  };
}

class LocalRateLimitFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #live: Live;
  readonly #thread: ThreadContext;
  #bucket: TokenBucket | undefined;

  constructor(stream: FilterStream, live: Live, thread: ThreadContext) {
    this.#stream = stream;
    this.#live = live;
    this.#thread = thread;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    const stream = this.#stream;
    const live = this.#live;
    const { config } = live;
    if (!this.#rolls(config.enabled)) return undefined;
    live.enabled.inc();
    const { allowed, bucket } = live.limiterOf(stream.connection).ask(this.#descriptors(headers));
    this.#bucket = bucket;
    if (allowed) {
      live.ok.inc();
      return undefined;
    }
    live.rateLimited.inc();
    if (!this.#rolls(config.enforced)) {
      config.requestHeaders?.applyToRequest(headers, stream.info);
      return undefined;
    }
    live.enforced.inc();
    return {
      kind: "local-reply",
      status: config.status,
      body: "local_rate_limited",
      flag: "RL",
      details: "local_rate_limited",
      ...(config.grpcStatus === undefined ? {} : { grpcStatus: config.grpcStatus }),
      modifyHeaders: (response) => config.responseHeaders?.applyToResponse(response, stream.info),
    };
  }

  onResponseHeaders(headers: ResponseHeaderMap): FilterResult {
    const bucket = this.#bucket;
    if (bucket === undefined || !this.#live.config.tellsLimits) return undefined;
    headers.add("x-ratelimit-limit", String(bucket.maxTokens));
    headers.add("x-ratelimit-remaining", String(Math.floor(bucket.remaining)));
    headers.add("x-ratelimit-reset", String(Math.floor(bucket.nextTokenMs / 1000)));
    return undefined;
  }

  #descriptors(headers: RequestHeaderMap): readonly Descriptor[] {
    const { config } = this.#live;
    const stream = this.#stream;
    const route = stream.route();
    const limits = route?.rateLimits;
    if (config.limiter.descriptors.length === 0 || route === undefined || limits === undefined) return [];
    const { includeVirtualHost } = limits;
    const withHost =
      includeVirtualHost ||
      config.virtualHostLimits === "include" ||
      (config.virtualHostLimits === "override" && limits.route.length === 0);
    const input = { headers, info: stream.info, route, routeInput: stream.routeInput, localCluster: this.#thread.local.cluster };
    const found: Descriptor[] = [];
    for (const entry of withHost ? [...limits.route, ...limits.virtualHost] : limits.route) {
      // As Envoy's filter of this kind: an entry with a disable_key is left out, whatever runtime layers say.
      if (entry.stage !== config.stage || entry.disableKey !== "") continue;
      const descriptor = entry.describe(input);
      if (descriptor !== undefined) found.push(descriptor);
    }
    return found;
  }

  #rolls(configured: RuntimeShare): boolean {
    const share = shareNow(configured, this.#thread.runtime);
    return share >= 1 || (share > 0 && this.#stream.random.next() < share);
  }
}
