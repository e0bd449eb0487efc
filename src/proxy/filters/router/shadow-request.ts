// A copy of a request for a mirror. It leaves when the whole request is there, has the route's timeout and no retries; its answer is
// counted and dropped. The request that it copies never waits for it, and it may outlive that.
import type { Cluster, Host, LoadBalancerContext } from "#proxy/cluster/cluster";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { StreamResetReason } from "#proxy/http/stream";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner, TimerWheel } from "#proxy/http/timer-wheel";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import { UpstreamRequest } from "./upstream-request.ts";
import type { UpstreamRequestOwner } from "./upstream-request.ts";

const NO_HOSTS: readonly Host[] = [];

export interface ShadowOptions {
  readonly headers: RequestHeaderMap;
  readonly trailers: TrailerMap | undefined;
  readonly body: Uint8Array[];
  readonly marksHost: boolean;
  /** 0: none. */
  readonly timeoutMs: number;
}

export function sendShadow(stream: TerminalStream, cluster: Cluster, options: ShadowOptions): void {
  new ShadowRequest(stream, options).start(cluster, options);
}

class ShadowRequest implements UpstreamRequestOwner, TimerOwner, LoadBalancerContext {
  readonly requestHeaders: RequestHeaderMap;
  readonly requestTrailers: TrailerMap | undefined;
  readonly requestComplete = true;
  readonly downstream: ConnectionInfo;
  readonly downstreamVersion = undefined;
  readonly originalDestination: SocketAddress | undefined;
  readonly randomValue: number;
  readonly hash = undefined;
  readonly triedHosts = NO_HOSTS;
  readonly hostSelectionAttempts = 0;
  readonly #timers: TimerWheel;
  readonly #timer = new WheelTimer(this, 0);
  #cluster: Cluster | undefined;
  #attempt: UpstreamRequest | undefined;
  #responseStarted = false;

  constructor(stream: TerminalStream, { headers, trailers, marksHost }: ShadowOptions) {
    this.downstream = stream.connection;
    this.originalDestination = stream.originalDestination;
    this.randomValue = stream.routeInput.randomValue;
    this.#timers = stream.timers;
    this.requestHeaders = shadowHeaders(headers, marksHost, stream.connection.local.address);
    this.requestTrailers = trailers;
  }

  start(cluster: Cluster, { body, timeoutMs }: ShadowOptions): void {
    const host = cluster.chooseHost(this);
    if (host === undefined) {
      cluster.stats.rqCodes.charge(503);
      return;
    }
    if (!cluster.tryAcquireRequest()) {
      cluster.stats.rqActiveOverflow.inc();
      cluster.stats.rqCodes.charge(503);
      return;
    }
    this.#cluster = cluster;
    this.#attempt = new UpstreamRequest(this, cluster, host, body);
    if (timeoutMs > 0) this.#timers.set(this.#timer, timeoutMs);
    this.#attempt.start();
  }

  onUpstreamHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.#responseStarted = true;
    const { status } = headers;
    this.#cluster!.stats.rqCodes.charge(status);
    const { host } = this.#attempt!;
    host.outlierMonitor?.putStatus(status);
    if (status >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
    if (endStream) this.#end();
  }

  onUpstreamData(_chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#end();
  }

  onUpstreamTrailers(): void {
    this.#end();
  }

  onUpstreamReset(reason: StreamResetReason): void {
    const { host } = this.#attempt!;
    if (reason !== "overflow") host.outlierMonitor?.putResult("connect-failed");
    this.#fail(503);
  }

  onTimer(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#cluster!.stats.rqTimeout.inc();
    attempt.host.stats.rqTimeout++;
    attempt.host.outlierMonitor?.putResult("timeout");
    this.#fail(504);
    attempt.finish();
  }

  // Nobody waits for the copy, and nothing of it is logged.
  onUpstreamHost(): void {}
  onUpstreamSent(): void {}
  onUpstreamInformational(): void {}
  onUpstreamWritable(): void {}

  #fail(status: number): void {
    if (!this.#responseStarted) {
      this.#cluster!.stats.rqCodes.charge(status);
      this.#attempt!.host.stats.rqError++;
    }
    this.#end();
  }

  #end(): void {
    this.#timers.cancel(this.#timer);
    this.#attempt = undefined;
  }
}

/** As Envoy's internal client sends it: marked internal, this proxy one hop more, and by default under a host of its own. */
function shadowHeaders(headers: RequestHeaderMap, marksHost: boolean, self: string): RequestHeaderMap {
  const { method, path, authority, scheme, upgrade } = headers;
  const copy = new PairRequestHeaderMap({ method, path, authority: marksHost ? shadowHost(authority) : authority, scheme, upgrade });
  headers.forEach((name, value) => copy.add(name, value));
  copy.set("x-envoy-internal", "true");
  const hops = copy.getJoined("x-forwarded-for");
  copy.set("x-forwarded-for", hops === undefined ? self : `${hops},${self}`);
  return copy;
}

function shadowHost(authority: string): string {
  const at = /:\d*$/.exec(authority)?.index ?? authority.length;
  return `${authority.slice(0, at)}-shadow${authority.slice(at)}`;
}
