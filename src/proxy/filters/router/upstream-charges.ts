// What one request counts upstream: in its cluster, in the route where that has statistics of its own, and at the host.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { HcmStats } from "#proxy/http/hcm-stats";
import type { RouteStats } from "./route-stats.ts";

export class UpstreamCharges {
  readonly #manager: HcmStats;
  /** Of the try that runs: another one may find another cluster of that name. */
  cluster: Cluster;
  readonly route: RouteStats | undefined;

  constructor(manager: HcmStats, cluster: Cluster, route: RouteStats | undefined) {
    this.#manager = manager;
    this.cluster = cluster;
    this.route = route;
  }

  sent(): void {
    this.route?.rqTotal.inc();
  }

  code(status: number): void {
    this.cluster.stats.rqCodes.charge(status);
    this.route?.rqCodes.charge(status);
  }

  /** The answer that we give instead of the upstream. */
  abort(status: number, host: Host | undefined, responseStarted: boolean): void {
    if (responseStarted) {
      this.#manager.resetAfterResponseStarted.inc();
      return;
    }
    this.code(status);
    if (host !== undefined) host.stats.rqError++;
  }

  timeout(host: Host): void {
    this.cluster.stats.rqTimeout.inc();
    this.route?.rqTimeout.inc();
    host.stats.rqTimeout++;
  }

  /** From the end of the request to the end of the response. */
  took(milliseconds: number): void {
    const whole = Math.trunc(milliseconds);
    this.cluster.stats.rqTime.record(whole);
    this.route?.rqTime.record(whole);
  }
}
