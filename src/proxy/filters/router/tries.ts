// The tries of one request: what all of them send, how many there were, and those that run: one, but for those that were hedged.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { HttpFilter, HttpFilterFactory } from "#proxy/http/filter";
import type { RequestHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { HttpVersion } from "#proxy/http/stream";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import type { TimerWheel } from "#proxy/http/timer-wheel";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { ConnectConfig, RoutingPriority } from "#proxy/route/route";
import { NO_TIMEOUTS } from "./timeouts.ts";
import type { RequestTimeouts } from "./timeouts.ts";
import type { UpstreamCharges } from "./upstream-charges.ts";
import { makeUpstreamFilters } from "./upstream-filters.ts";
import { UpstreamRequest } from "./upstream-request.ts";
import type { SentRequest, UpstreamRequestOwner } from "./upstream-request.ts";

export class Tries implements SentRequest {
  /** Set before the first try. */
  headers!: RequestHeaderMap;
  trailers: TrailerMap | undefined = undefined;
  timeouts: RequestTimeouts = NO_TIMEOUTS;
  priority: RoutingPriority = "default";
  connect: ConnectConfig | undefined = undefined;
  readonly #stream: TerminalStream;
  /** Negative: more of the request is to come. */
  #completeMs = -1;
  /** Of those that were begun. */
  count = 0;
  newest: UpstreamRequest | undefined = undefined;
  /** Older ones that run beside it. */
  #older: UpstreamRequest[] | undefined = undefined;

  readonly #routerFilters: readonly HttpFilterFactory[] | undefined;

  constructor(stream: TerminalStream, routerFilters: readonly HttpFilterFactory[] | undefined) {
    this.#stream = stream;
    this.#routerFilters = routerFilters;
  }

  makeFilters(cluster: Cluster): readonly HttpFilter[] | undefined {
    return makeUpstreamFilters(this.#stream, cluster, this.#routerFilters);
  }

  get complete(): boolean {
    return this.#completeMs >= 0;
  }
  get timers(): TimerWheel {
    return this.#stream.timers;
  }
  get bufferLimitBytes(): number {
    return this.#stream.bufferLimitBytes;
  }
  get downstream(): ConnectionInfo {
    return this.#stream.connection;
  }
  get downstreamVersion(): HttpVersion | undefined {
    return this.#stream.info.protocol;
  }

  onRequestComplete(): void {
    this.#completeMs = this.#stream.clock.monotonicMs();
    this.newest?.onRequestComplete();
  }

  /** Since the request was complete; 0: it is not. */
  elapsedMs(nowMs: number): number {
    return this.#completeMs < 0 ? 0 : nowMs - this.#completeMs;
  }

  get hedged(): boolean {
    return this.#older !== undefined;
  }

  /** False: the cluster's circuit breaker does not let it. */
  begin(owner: UpstreamRequestOwner, cluster: Cluster, host: Host, body: Uint8Array[]): boolean {
    const request = new UpstreamRequest(owner, this, cluster, host, body);
    if (!cluster.tryAcquireRequest(this.priority)) {
      cluster.stats.rqActiveOverflow.inc();
      return false;
    }
    if (this.newest !== undefined) (this.#older ??= []).push(this.newest);
    this.newest = request;
    request.start();
    return true;
  }

  all(): readonly UpstreamRequest[] {
    return [...(this.newest === undefined ? [] : [this.newest]), ...(this.#older ?? [])];
  }

  /** It is over, or is not waited for. */
  forget(request: UpstreamRequest): void {
    if (this.newest === request) this.newest = this.#older?.pop();
    else this.#older = this.#older?.filter((one) => one !== request);
    if (this.#older?.length === 0) this.#older = undefined;
  }

  drop(request: UpstreamRequest): void {
    this.forget(request);
    request.finish();
  }

  /** This one's answer is the answer. */
  settleOn(request: UpstreamRequest): void {
    if (this.#older === undefined) return;
    for (const other of this.all()) if (other !== request) other.finish();
    this.newest = request;
    this.#older = undefined;
  }

  /** Another one may still bring an answer. */
  othersWait(request: UpstreamRequest | undefined): boolean {
    if (this.#older === undefined && this.newest === request) return false;
    return this.all().some((one) => one !== request && one.awaitingHeaders);
  }

  /** All of them took too long. `status`: what the client is told. */
  chargeTimeout(charges: UpstreamCharges, status: number): void {
    for (const request of this.all()) {
      charges.timeout(request.host);
      if (!request.awaitingHeaders) continue;
      // A try that was hedged has told of its timeout already.
      if (!request.retried) request.host.outlierMonitor?.putResult("timeout");
      charges.abort(status, request.host);
    }
  }

  finish(): void {
    const { newest } = this;
    const older = this.#older;
    this.newest = undefined;
    this.#older = undefined;
    newest?.finish();
    if (older !== undefined) for (const request of older) request.finish();
  }
}
