// A copy of a request for a mirror. It streams along with the request, has the route's timeout and no retries; its answer is counted and
// dropped. The request that it copies never waits for it, and it may outlive that: a mirror that cannot keep up is given up.
import type { Cluster, Host, LoadBalancerContext } from "#proxy/cluster/cluster";
import type { HttpFilter, LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { StreamResetReason } from "#proxy/http/stream";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner, TimerWheel } from "#proxy/http/timer-wheel";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { RoutingPriority } from "#proxy/route/route";
import { NO_TIMEOUTS } from "./timeouts.ts";
import { makeUpstreamFilters } from "./upstream-filters.ts";
import { UpstreamRequest } from "./upstream-request.ts";
import type { SentRequest, UpstreamRequestOwner } from "./upstream-request.ts";

export interface ShadowOptions {
  readonly headers: RequestHeaderMap;
  readonly marksHost: boolean;
  readonly priority: RoutingPriority;
  /** From the end of the request on; 0: none. */
  readonly timeoutMs: number;
}

export class ShadowRequest implements UpstreamRequestOwner, SentRequest, TimerOwner, LoadBalancerContext {
  readonly headers: RequestHeaderMap;
  trailers: TrailerMap | undefined = undefined;
  complete = false;
  readonly downstream: ConnectionInfo;
  readonly downstreamVersion = undefined;
  readonly originalDestination: SocketAddress | undefined;
  readonly randomValue: number;
  readonly hash = undefined;
  readonly hostSelectionAttempts = 0;
  readonly timers: TimerWheel;
  readonly timeouts = NO_TIMEOUTS;
  readonly priority: RoutingPriority;
  readonly #timer = new WheelTimer(this, 0);
  readonly #timeoutMs: number;
  readonly #bufferLimitBytes: number;
  /** None of it in the try: what waits is counted here. */
  readonly bufferLimitBytes = 0;
  #writable = true;
  /** What was sent while nothing left. */
  #backlogBytes = 0;
  #cluster: Cluster | undefined;
  #attempt: UpstreamRequest | undefined;
  #responseStarted = false;

  readonly #stream: TerminalStream;

  constructor(stream: TerminalStream, { headers, marksHost, priority, timeoutMs }: ShadowOptions) {
    this.#stream = stream;
    this.downstream = stream.connection;
    this.originalDestination = stream.originalDestination;
    this.randomValue = stream.routeInput.randomValue;
    this.timers = stream.timers;
    this.priority = priority;
    this.#timeoutMs = timeoutMs;
    this.#bufferLimitBytes = stream.bufferLimitBytes;
    this.headers = shadowHeaders(headers, marksHost, stream.connection.local.address);
  }

  /** The router's own are not for copies, as in Envoy. */
  makeFilters(cluster: Cluster): readonly HttpFilter[] | undefined {
    return makeUpstreamFilters(this.#stream, cluster, undefined);
  }

  shouldSelectAnotherHost(_host: Host): boolean {
    return false;
  }

  /** `complete`: the request has no body. */
  start(cluster: Cluster, complete: boolean): void {
    const host = cluster.chooseHost(this);
    if (host === undefined) {
      cluster.stats.rqCodes.charge(503);
      return;
    }
    if (!cluster.tryAcquireRequest(this.priority)) {
      cluster.stats.rqActiveOverflow.inc();
      cluster.stats.rqCodes.charge(503);
      return;
    }
    this.#cluster = cluster;
    this.#attempt = new UpstreamRequest(this, this, cluster, host, []);
    if (complete) this.#onRequestComplete();
    this.#attempt.start();
  }

  sendData(chunk: Uint8Array, endStream: boolean): void {
    if (this.#attempt === undefined) return;
    if (!this.#writable) this.#backlogBytes += chunk.length;
    if (this.#backlogBytes > this.#bufferLimitBytes) {
      this.#cluster!.stats.retryAbandoned.inc();
      this.cancel();
      return;
    }
    if (endStream) this.#onRequestComplete();
    this.#attempt.sendData(chunk, endStream);
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#attempt === undefined) return;
    this.trailers = trailers;
    this.#onRequestComplete();
    this.#attempt.sendTrailers(trailers);
  }

  /** The request that it copies will never be whole. */
  cancel(): void {
    const attempt = this.#attempt;
    this.#end();
    attempt?.finish();
  }

  #onRequestComplete(): void {
    this.complete = true;
    if (this.#timeoutMs > 0) this.timers.set(this.#timer, this.#timeoutMs);
    this.#attempt?.onRequestComplete();
  }

  onUpstreamHeaders(request: UpstreamRequest, headers: ResponseHeaderMap, endStream: boolean): void {
    this.#responseStarted = true;
    const { status } = headers;
    this.#cluster!.stats.rqCodes.charge(status);
    const { host } = request;
    host.outlierMonitor?.putStatus(status);
    if (status >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
    if (endStream) this.#end();
  }

  onUpstreamData(_request: UpstreamRequest, _chunk: Buffer, endStream: boolean): void {
    if (endStream) this.#end();
  }

  onUpstreamTrailers(): void {
    this.#end();
  }

  onUpstreamReset({ host }: UpstreamRequest, reason: StreamResetReason): void {
    if (reason !== "overflow") host.outlierMonitor?.putResult("connect-failed");
    this.#fail(503, host);
  }

  onTimer(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    const { host } = attempt;
    this.#cluster!.stats.rqTimeout.inc();
    host.stats.rqTimeout++;
    host.outlierMonitor?.putResult("timeout");
    this.#fail(504, host);
    attempt.finish();
  }

  onUpstreamWritable(writable: boolean): void {
    this.#writable = writable;
    if (writable) this.#backlogBytes = 0;
  }

  // Nobody waits for the copy, and nothing of it is logged.
  onUpstreamHost(): void {}
  onUpstreamSent(): void {}
  onUpstreamInformational(): void {}
  onPerTryTimeout(): void {}
  onMaxStreamDuration(request: UpstreamRequest): void {
    request.finish();
  }
  onUpstreamWithoutPool({ host }: UpstreamRequest): void {
    this.#fail(503, host);
  }
  onUpstreamFilterReply(reply: LocalReply): void {
    this.#cluster!.stats.rqCodes.charge(reply.status);
    this.cancel();
  }
  onUpstreamFault(): void {
    this.cancel();
  }

  #fail(status: number, host: Host): void {
    if (!this.#responseStarted) {
      this.#cluster!.stats.rqCodes.charge(status);
      host.stats.rqError++;
    }
    this.#end();
  }

  #end(): void {
    this.timers.cancel(this.#timer);
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
