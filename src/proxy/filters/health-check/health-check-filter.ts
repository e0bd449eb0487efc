// envoy.filters.http.health_check: answers health checks itself, by this proxy's own state, by its clusters', or by what the application
// said a moment ago; or lets them pass and notes the answer.
import { HealthCheckSchema } from "#envoy/gen/envoy/extensions/filters/http/health_check/v3/health_check_pb";
import { durationMs } from "#envoy/duration";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { HeaderMatcher } from "#matcher/header-matcher";
import type { ClusterManager } from "#proxy/cluster/cluster";
import type { FilterResult, HttpFilter, HttpFilterCompiler, LocalReply, MessagePart, PartSink } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { ThreadContext } from "#proxy/thread-context";
import { unpackConfig } from "#proxy/unpack-config";
import type { Clock } from "#runtime/clock";

interface HealthCheckConfig {
  readonly passThrough: boolean;
  /** All must match. */
  readonly headers: readonly HeaderMatcher[];
  /** 0: nothing is remembered. */
  readonly cacheMs: number;
  readonly minHealthyPercent: ReadonlyMap<string, number>;
}

interface Cached {
  readonly status: number;
  readonly degraded: boolean;
}

/** The application's last answer, forgotten at every end of a fixed interval, as in Envoy. */
class AnswerCache {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #startMs: number;
  #answer: Cached | undefined;
  #interval = 0;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#startMs = clock.monotonicMs();
  }

  get(): Cached | undefined {
    return this.#interval === this.#now() ? this.#answer : undefined;
  }
  set(answer: Cached): void {
    this.#answer = answer;
    this.#interval = this.#now();
  }
  #now(): number {
    return Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#intervalMs);
  }
}

export const healthCheckFilterCompiler: HttpFilterCompiler = {
  configTypes: [HealthCheckSchema.typeName],
  compile(name, any, path) {
    let headers: readonly HeaderMatcher[] = [];
    const wire = unpackConfig(any, HealthCheckSchema, path, (config, refuse) => {
      const { passThroughMode, cacheTime, clusterMinHealthyPercentages: percentages } = config;
      headers = compileHeaderMatchers(config.headers, "headers", refuse);
      if (passThroughMode === undefined) refuse("pass_through_mode", "must be set");
      if (passThroughMode === false && cacheTime !== undefined) refuse("cache_time", "may be set in pass_through_mode only");
      if (passThroughMode === true && Object.keys(percentages).length > 0)
        refuse("cluster_min_healthy_percentages", "may not be set in pass_through_mode");
    });
    const config: HealthCheckConfig = {
      passThrough: wire.passThroughMode ?? false,
      headers,
      cacheMs: durationMs(wire.cacheTime) ?? 0,
      minHealthyPercent: new Map(Object.entries(wire.clusterMinHealthyPercentages).map(([cluster, { value }]) => [cluster, value])),
    };
    return {
      name,
      create: () => undefined,
      withStats(_, thread) {
        const cache = config.cacheMs > 0 ? new AnswerCache(thread.clock, config.cacheMs) : undefined;
        return { name, create: () => new HealthCheckFilter(config, thread, cache) };
      },
    };
  },
};

class HealthCheckFilter implements HttpFilter {
  readonly #config: HealthCheckConfig;
  readonly #thread: ThreadContext;
  readonly #cache: AnswerCache | undefined;
  #isCheck = false;
  #handling = false;

  constructor(config: HealthCheckConfig, thread: ThreadContext, cache: AnswerCache | undefined) {
    this.#config = config;
    this.#thread = thread;
    this.#cache = cache;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    if (part.kind === "headers") {
      const { headers } = part;
      this.#isCheck = this.#config.headers.every((matcher) => matcher.matches(headers));
      this.#handling =
        this.#isCheck && (!this.#config.passThrough || this.#thread.local.healthCheckFailed || this.#cache?.get() !== undefined);
    }
    if (!this.#handling) onward.push(part);
    else if (part.kind === "trailers" || part.endStream) onward.respond(this.#answer());
  }

  onResponseHeaders(headers: ResponseHeaderMap): FilterResult {
    const { local } = this.#thread;
    if (this.#isCheck) {
      if (!this.#handling) this.#cache?.set({ status: headers.status, degraded: headers.has("x-envoy-degraded") });
      headers.set("x-envoy-upstream-healthchecked-cluster", local.cluster);
    } else if (local.healthCheckFailed) headers.set("x-envoy-immediate-health-check-fail", "true");
    return undefined;
  }

  #answer(): LocalReply {
    if (this.#thread.local.healthCheckFailed)
      return { ...reply(503, "health_check_failed"), headers: [["x-envoy-immediate-health-check-fail", "true"]] };
    const cached = this.#cache?.get();
    if (cached !== undefined) return reply(cached.status, "health_check_cached", cached.degraded);
    return clustersHealth(this.#config.minHealthyPercent, this.#thread.clusters);
  }
}

function reply(status: number, details: string, degraded = false): LocalReply {
  return {
    kind: "local-reply",
    status,
    body: "",
    flag: status >= 200 && status < 300 ? undefined : "LH",
    details,
    ...(degraded ? { headers: [["x-envoy-degraded", ""]] } : {}),
  };
}

function clustersHealth(minHealthyPercent: ReadonlyMap<string, number>, clusters: ClusterManager): LocalReply {
  let details = "health_check_ok";
  for (const [name, percent] of minHealthyPercent) {
    const hosts = clusters.get(name)?.hosts;
    if (hosts === undefined) return reply(503, "health_check_failed_no_cluster_found");
    if (hosts.length === 0) {
      if (percent === 0) continue;
      return reply(503, "health_check_failed_cluster_empty");
    }
    const healthy = hosts.filter(({ health }) => health === "healthy").length;
    if (healthy < (hosts.length * percent) / 100) return reply(503, "health_check_failed_cluster_unhealthy");
    details = "health_check_ok_cluster_healthy";
  }
  return reply(200, details);
}
