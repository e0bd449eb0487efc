// What one request counts upstream: in its cluster, in its route and virtual cluster where they have statistics of their own, under an
// alternative name where the client gives one, and at the host.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { HcmStats } from "#proxy/http/hcm-stats";
import type { RequestHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { RequestStats } from "./request-stats.ts";

export class UpstreamCharges {
  readonly #manager: HcmStats;
  /** Of the try that runs: another one may find another cluster of that name. */
  cluster: Cluster;
  readonly more: readonly RequestStats[];
  readonly #alternative: string | undefined;

  /** Takes the header that names the alternative out. */
  constructor(manager: HcmStats, cluster: Cluster, more: readonly RequestStats[], headers: RequestHeaderMap) {
    this.#manager = manager;
    this.cluster = cluster;
    this.more = more;
    this.#alternative = headers.get("x-envoy-upstream-alt-stat-name");
    if (this.#alternative !== undefined) headers.remove("x-envoy-upstream-alt-stat-name");
  }

  sent(): void {
    for (let i = 0; i < this.more.length; i++) this.more[i]!.rqTotal.inc();
  }

  code(status: number): void {
    this.cluster.stats.rqCodes.charge(status);
    for (let i = 0; i < this.more.length; i++) this.more[i]!.rqCodes.charge(status);
    if (this.#alternative !== undefined) this.cluster.stats.alternative(this.#alternative)?.codes.charge(status);
  }

  /** The upstream's answer. `final`: its success needs no trailers to be known. */
  answered({ stats }: Host, status: number, final: boolean): void {
    this.code(status);
    if (status >= 500) stats.rqError++;
    else if (final) stats.rqSuccess++;
  }

  grpcEnded({ stats }: Host, trailers: TrailerMap): void {
    if (trailers.get("grpc-status") === "0") stats.rqSuccess++;
    else stats.rqError++;
  }

  /** The answer that we give instead of the upstream. */
  abort(status: number, host: Host | undefined): void {
    this.code(status);
    if (host !== undefined) host.stats.rqError++;
  }

  /** An answer whose end, which says whether it is one, will not come. */
  abortBegun(host: Host | undefined): void {
    this.#manager.resetAfterResponseStarted.inc();
    if (host !== undefined) host.stats.rqError++;
  }

  timeout(host: Host): void {
    this.cluster.stats.rqTimeout.inc();
    for (let i = 0; i < this.more.length; i++) this.more[i]!.rqTimeout.inc();
    host.stats.rqTimeout++;
  }

  /** From the end of the request to the end of the response. */
  took(milliseconds: number): void {
    const whole = Math.trunc(milliseconds);
    this.cluster.stats.rqTime.record(whole);
    for (let i = 0; i < this.more.length; i++) this.more[i]!.rqTime.record(whole);
    if (this.#alternative !== undefined) this.cluster.stats.alternative(this.#alternative)?.time.record(whole);
  }
}
