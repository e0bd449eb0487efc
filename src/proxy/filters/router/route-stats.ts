// The statistics of a route that asks for its own (Route.stat_prefix): `vhost.<virtual host>.route.<prefix>.upstream_rq_*`, as Envoy's.
// They are made with the route's first request and kept as long as the router is: routes of one prefix and virtual host share them.
import { CodeStats } from "#proxy/http/code-stats";
import type { RouteEntry } from "#proxy/route/route";
import type { Counter, Histogram, StatsScope } from "#telemetry/stats/store";

export class RouteStats {
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

/** Of one router. */
export class RouteStatsCache {
  readonly #byRoute = new WeakMap<RouteEntry, RouteStats>();

  /** undefined: the route counts nothing of its own. */
  of(route: RouteEntry, stats: StatsScope): RouteStats | undefined {
    if (route.statPrefix === "") return undefined;
    let found = this.#byRoute.get(route);
    if (found === undefined) {
      const virtualHost = { tag: "envoy.virtual_host", value: route.virtualHost };
      found = new RouteStats(stats.scope("vhost", virtualHost, "route", { tag: "envoy.route", value: route.statPrefix }));
      this.#byRoute.set(route, found);
    }
    return found;
  }
}
