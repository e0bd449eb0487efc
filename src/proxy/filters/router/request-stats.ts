// Statistics of a part of a virtual host's requests, which ask for their own: those of a route (Route.stat_prefix) at
// `vhost.<virtual host>.route.<prefix>.upstream_rq_*`, those of a virtual cluster at `vhost.<virtual host>.vcluster.<name>.upstream_rq_*`,
// as Envoy's. They are made with the first request and kept as long as the router is.
import { CodeStats } from "#proxy/http/code-stats";
import type { RouteEntry } from "#proxy/route/route";
import type { Counter, Histogram, StatsScope } from "#telemetry/stats/store";

export class RequestStats {
  readonly rqTotal: Counter;
  readonly rqTime: Histogram;
  readonly rqCodes: CodeStats;
  readonly rqTimeout: Counter;
  readonly rqRetry: Counter;
  readonly rqRetrySuccess: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetryLimitExceeded: Counter;

  constructor(scope: StatsScope) {
    this.rqTotal = scope.counter("upstream_rq_total");
    this.rqTime = scope.histogram("upstream_rq_time");
    this.rqCodes = new CodeStats(scope, "upstream_rq", "codes");
    this.rqTimeout = scope.counter("upstream_rq_timeout");
    this.rqRetry = scope.counter("upstream_rq_retry");
    this.rqRetrySuccess = scope.counter("upstream_rq_retry_success");
    this.rqRetryOverflow = scope.counter("upstream_rq_retry_overflow");
    this.rqRetryLimitExceeded = scope.counter("upstream_rq_retry_limit_exceeded");
  }
}

/** How requests are counted that no virtual cluster takes. */
const NONE_OF_THEM = "other";
const NONE: readonly RequestStats[] = [];

interface StatsOfRoute {
  readonly own: RequestStats | undefined;
  /** What a request counts in, by its virtual cluster; "": none. */
  readonly byVirtualCluster: Map<string, readonly RequestStats[]>;
}

/** Of one router. */
export class RequestStatsCache {
  readonly #byRoute = new WeakMap<RouteEntry, StatsOfRoute>();

  /** What the request counts in, besides its cluster. */
  of(route: RouteEntry, virtualCluster: string | undefined, stats: StatsScope): readonly RequestStats[] {
    if (route.statPrefix === "" && route.virtualCluster === undefined) return NONE;
    const host = { tag: "envoy.virtual_host", value: route.virtualHost };
    let known = this.#byRoute.get(route);
    if (known === undefined) {
      const tag = { tag: "envoy.route", value: route.statPrefix };
      const own = route.statPrefix === "" ? undefined : new RequestStats(stats.scope("vhost", host, "route", tag));
      known = { own, byVirtualCluster: new Map() };
      this.#byRoute.set(route, known);
    }
    const name = route.virtualCluster === undefined ? "" : (virtualCluster ?? NONE_OF_THEM);
    let all = known.byVirtualCluster.get(name);
    if (all === undefined) {
      const tag = { tag: "envoy.virtual_cluster", value: name };
      const ofCluster = name === "" ? [] : [new RequestStats(stats.scope("vhost", host, "vcluster", tag))];
      all = known.own === undefined ? ofCluster : [known.own, ...ofCluster];
      known.byVirtualCluster.set(name, all);
    }
    return all;
  }
}
