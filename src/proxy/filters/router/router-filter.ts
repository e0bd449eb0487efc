// The router: the terminal filter that sends a request to a cluster, tries again where the policy says so, and brings the answer
// back. Behaviour, statistics and texts are those of Envoy's router.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { SocketAddress } from "#proxy/net/connection";
import type { LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { hasGrpcContentType } from "#proxy/http/grpc";
import { replaceAuthority } from "#proxy/route/host-rewrite";
import { LOCAL_REPLIES, clusterNotFound, maintenanceReply, overloadReply, upstreamReset, withAttemptCount } from "#proxy/http/local-reply";
import type { HttpVersion, StreamResetReason } from "#proxy/http/stream";
import type { TerminalFilter, TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner } from "#proxy/http/timer-wheel";
import type { ClusterChoice, RouteEntry } from "#proxy/route/route";
import { noteHostAnswer } from "./grpc-outcome.ts";
import { HostSelection } from "./host-selection.ts";
import { redirectInternally } from "./internal-redirect.ts";
import { Mirroring } from "./mirroring.ts";
import { requestRetryPolicy } from "./request-retry-policy.ts";
import type { RequestStatsCache } from "./request-stats.ts";
import { Retries } from "./retries.ts";
import type { RetriesOwner } from "./retries.ts";
import { RetryBody } from "./retry-body.ts";
import { RetryState } from "./retry-state.ts";
import type { RouterConfig } from "./router-config.ts";
import { requestTimeouts, setExpectedTimeout } from "./timeouts.ts";
import { Tries } from "./tries.ts";
import { UpstreamCharges } from "./upstream-charges.ts";
import type { UpstreamRequest, UpstreamRequestOwner } from "./upstream-request.ts";

export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, RetriesOwner, TimerOwner {
  readonly #stream: TerminalStream;
  readonly #config: RouterConfig;
  readonly #statsCache: RequestStatsCache;
  readonly #selection: HostSelection;
  #route: RouteEntry | undefined = undefined;
  #choice: ClusterChoice | undefined = undefined;
  /** From the choice of a cluster on. */
  #charges: UpstreamCharges | undefined = undefined;
  readonly #tries: Tries;
  /** While there may be another try. */
  #retries: Retries | undefined = undefined;
  /** The request body so far while it may be sent again; undefined when it is not kept. */
  #body: RetryBody | undefined = undefined;
  #mirroring: Mirroring | undefined = undefined;
  #responseStarted = false;
  /** Something of an answer is out, if only an interim response. */
  #responseBegun = false;
  /** The response waits for the client to take what it has. */
  #clientFull = false;
  #done = false;
  #grpc = false;
  readonly #globalTimer = new WheelTimer(this, 0);

  constructor(stream: TerminalStream, config: RouterConfig, statsCache: RequestStatsCache) {
    this.#statsCache = statsCache;
    this.#stream = stream;
    this.#config = config;
    this.#selection = new HostSelection(stream);
    this.#tries = new Tries(stream, config.upstreamFilters);
  }

  // ---- TerminalFilter: the request

  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    const stream = this.#stream;
    const { info, stats } = stream;
    this.#tries.headers = headers;
    stats.routerRqTotal.inc();
    const route = stream.route();
    if (route === undefined) {
      stats.noRoute.inc();
      this.#answer(LOCAL_REPLIES.routeNotFound);
      return;
    }
    this.#route = route;
    this.#tries.priority = route.priority;
    this.#tries.connect = route.connect;
    if (route.reply !== undefined) {
      const reply = route.reply(headers, info);
      (reply.status >= 300 && reply.status <= 399 ? stats.redirect : stats.directResponse).inc();
      this.#done = true;
      stream.respondLocally(reply, route);
      return;
    }
    const choice = route.chooseCluster(stream.routeInput);
    this.#choice = choice;
    const cluster = choice === undefined ? undefined : stream.thread.clusters.get(choice.cluster);
    if (choice === undefined || cluster === undefined) {
      stats.noCluster.inc();
      this.#answer(clusterNotFound(route.clusterNotFoundStatus));
      return;
    }
    info.upstreamCluster = choice.cluster;
    info.clusterMetadata = cluster.metadata;
    info.virtualCluster = route.virtualCluster?.(headers);
    const charges = new UpstreamCharges(stats, cluster, this.#statsCache.of(route, info.virtualCluster, stream.thread.stats), headers);
    this.#charges = charges;
    this.#grpc = hasGrpcContentType(headers);
    const { maintenancePercent = 0 } = cluster;
    if (maintenancePercent > 0 && stream.random.integer(100) < maintenancePercent) {
      cluster.stats.rqMaintenanceMode.inc();
      charges.code(503);
      this.#answer(maintenanceReply(!this.#config.suppressEnvoyHeaders));
      return;
    }
    const dropped = this.#droppedShare(cluster);
    if (dropped > 0 && stream.random.next() < dropped) {
      charges.code(503);
      this.#answer(overloadReply(dropped === 1, !this.#config.suppressEnvoyHeaders));
      return;
    }
    this.#tries.count = 1;
    info.attemptCount = 1;
    this.#tries.timeouts = requestTimeouts(route, headers, this.#grpc, this.#config.respectExpectedTimeout);
    if (route.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", "1");
    // Only routes were to see it without; a host that the route writes stays as it writes it.
    if (info.connectPort !== undefined && !headers.authority.includes(":")) headers.authority += info.connectPort;
    route.finalizeRequest(headers, info, choice);
    // Hash policies see what the route has made of the request, and so do the formats of an answer without a host.
    this.#selection.computeHash(route, headers);
    this.#selection.matchMetadata(choice);
    const host = cluster.chooseHost(this.#selection);
    if (host === undefined) {
      this.#noHost();
      return;
    }
    const policy = requestRetryPolicy(route.retry, headers);
    if (policy !== undefined) {
      const state = new RetryState(policy, route.priority, stream.random, stream.thread.runtime, charges.more);
      this.#retries = new Retries(this, stream, state, this.#tries, this.#selection);
    }
    if (!endStream && (policy !== undefined || route.internalRedirect !== undefined)) {
      this.#body = new RetryBody(Math.min(stream.bufferLimitBytes, route.perRequestBufferLimitBytes));
    }
    if (!this.#config.suppressEnvoyHeaders) setExpectedTimeout(headers, this.#tries.timeouts, 0, this.#grpc ? route : undefined);
    if (route.mirrors !== undefined) this.#mirroring = Mirroring.start(route, stream, headers, this.#tries.timeouts.globalMs, endStream);
    if (endStream) this.#onRequestComplete();
    this.#try(cluster, host);
  }

  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (this.#done) return;
    this.#mirroring?.sendData(chunk, endStream);
    if (this.#body !== undefined) this.#keep(chunk);
    if (this.#done) return;
    if (endStream) this.#onRequestComplete();
    this.#tries.newest?.sendData(chunk, endStream);
  }

  onRequestTrailers(trailers: TrailerMap): void {
    if (this.#done) return;
    this.#tries.trailers = trailers;
    this.#mirroring?.sendTrailers(trailers);
    this.#onRequestComplete();
    this.#tries.newest?.sendTrailers(trailers);
  }

  onResponseDrain(): void {
    if (!this.#clientFull) return;
    this.#clientFull = false;
    this.#tries.newest?.resumeReading();
  }

  pauseResponse(): void {
    this.#tries.newest?.pauseReading();
  }

  resumeResponse(): void {
    this.#tries.newest?.resumeReading();
  }

  onDestroy(): void {
    this.#done = true;
    this.#cleanup();
    this.#mirroring?.cancel();
    this.#tries.finish();
  }

  // ---- UpstreamRequestOwner

  onUpstreamHost(host: Host, local: SocketAddress | undefined, version: HttpVersion | undefined): void {
    const { info } = this.#stream;
    info.upstreamHost = host.address;
    info.upstreamMetadata = host.metadata;
    info.upstreamLocal = local;
    info.upstreamProtocol = version;
    // With a connection: the request is on its way.
    if (local !== undefined) this.#charges?.sent();
  }

  onUpstreamSent(first: boolean, last: boolean): void {
    const { info, clock } = this.#stream;
    const nowMs = clock.monotonicMs();
    if (first) info.upstreamFirstByteSentMs = nowMs;
    if (last) info.upstreamLastByteSentMs = nowMs;
  }

  onUpstreamWritable(writable: boolean): void {
    if (this.#done) return;
    if (writable) this.#stream.resumeRequest();
    else this.#stream.pauseRequest();
  }

  onUpstreamInformational(request: UpstreamRequest, headers: ResponseHeaderMap): void {
    if (this.#done) return;
    this.#charges!.code(headers.status);
    this.#responseBegun = true;
    // Something of this try's answer is out: another try would answer twice. A redirect may still be followed.
    this.#tries.settleOn(request);
    const body = this.#body;
    this.#giveUpRetries();
    if (this.#route?.internalRedirect !== undefined) this.#body = body;
    this.#stream.respondInformational(headers);
  }

  onUpstreamHeaders(request: UpstreamRequest, headers: ResponseHeaderMap, endStream: boolean): void {
    const charges = this.#charges;
    const route = this.#route;
    if (this.#done || charges === undefined || route === undefined) return;
    const { info, clock } = this.#stream;
    const nowMs = clock.monotonicMs();
    info.upstreamFirstByteReceivedMs = nowMs;
    if (endStream) info.upstreamLastByteReceivedMs = nowMs;
    const { status } = headers;
    const { host } = request;

    noteHostAnswer(host, headers, this.#grpc);
    if (this.#retries?.onHeaders(request, headers, charges.cluster) === true) return;
    if (route.internalRedirect?.statuses.has(status) === true && this.#redirected(headers)) return;
    this.#tries.settleOn(request);
    this.#giveUpRetries();
    this.#responseStarted = true;
    this.#responseBegun = true;

    if (this.#tries.complete && !this.#config.suppressEnvoyHeaders) {
      headers.set("x-envoy-upstream-service-time", String(Math.trunc(this.#tries.elapsedMs(nowMs))));
    }
    charges.answered(host, status, !this.#grpc || endStream);
    if (route.includeAttemptCountInResponse) headers.set("x-envoy-attempt-count", String(this.#tries.count));
    for (const cookie of this.#selection.cookies) headers.add("set-cookie", cookie);
    info.responseCodeDetails = "via_upstream";
    // Formats of the mutations ask for them.
    info.responseHeaders = headers;
    info.responseCode = status;
    route.finalizeResponse(headers, info, this.#choice);
    if (endStream) this.#complete(nowMs);
    this.#stream.respondHeaders(headers, endStream);
  }

  onUpstreamData(request: UpstreamRequest, chunk: Buffer, endStream: boolean): void {
    if (this.#done) return;
    if (endStream) this.#complete(this.#stream.clock.monotonicMs());
    // What was on its way when the upstream was paused still comes: HTTP/2 stops only where its window ends.
    if (this.#stream.respondData(chunk, endStream) || this.#clientFull) return;
    this.#clientFull = true;
    request.pauseReading();
  }

  onUpstreamTrailers(request: UpstreamRequest, trailers: TrailerMap): void {
    if (this.#done) return;
    if (this.#grpc) this.#charges!.grpcEnded(request.host, trailers);
    this.#complete(this.#stream.clock.monotonicMs());
    this.#stream.respondTrailers(trailers);
  }

  onUpstreamReset(request: UpstreamRequest, reason: StreamResetReason, transportFailure: string): void {
    if (this.#done) return;
    this.#tries.forget(request);
    if (transportFailure !== "") this.#stream.info.upstreamTransportFailure = transportFailure;
    // A full circuit breaker is no fault of the host's: fewer hosts would fill it more.
    if (reason !== "overflow") request.host.outlierMonitor?.putResult("connect-failed");
    if (this.#retriedAfterReset(reason, request, false)) return;
    const reply = upstreamReset(reason, transportFailure, this.#tries.count > 1, this.#responseBegun);
    this.#abort(reply, request.host);
    if (this.#retries?.pending !== true && !this.#tries.othersWait(undefined)) this.#answer(reply);
  }

  onPerTryTimeout(request: UpstreamRequest, idle: boolean): void {
    // What the client was told to continue is no other host's any more: the whole request's time counts from now on.
    if (this.#done || (this.#responseBegun && !idle)) return;
    if (this.#tries.timeouts.hedge) {
      this.#hedge(request);
      return;
    }
    const { stats } = this.#charges!.cluster;
    (idle ? stats.rqPerTryIdleTimeout : stats.rqPerTryTimeout).inc();
    this.#endTry(request, idle ? LOCAL_REPLIES.perTryIdleTimeout : this.#tries.timeouts.replies.perTry);
  }

  /** Also while the response comes. */
  onMaxStreamDuration(request: UpstreamRequest): void {
    if (this.#done) return;
    this.#tries.drop(request);
    if (this.#retriedAfterReset("local-reset", request, false)) return;
    this.#answer(this.#tries.complete ? LOCAL_REPLIES.upstreamMaxDuration : LOCAL_REPLIES.upstreamMaxDurationInRequest);
  }

  /** As Envoy: as if there were no host, and without another try. */
  onUpstreamWithoutPool(request: UpstreamRequest): void {
    this.#tries.forget(request);
    this.#noHost();
  }

  /** As Envoy: nothing is charged, nothing is tried again, and upstream filters do not see it. */
  onUpstreamFilterReply(reply: LocalReply): void {
    if (this.#done) return;
    this.#done = true;
    this.#cleanup();
    this.#tries.finish();
    this.#stream.respondLocally(reply);
  }

  onUpstreamFault(error: unknown): void {
    this.#stream.internalError(error);
  }

  // ---- TimerOwner

  /** All of it took too long. */
  onTimer(): void {
    if (this.#done) return;
    const reply = this.#tries.timeouts.replies.global;
    this.#tries.chargeTimeout(this.#charges!, reply.status);
    this.#answer(reply);
  }

  /** A runtime layer may let less be turned away than the endpoints say, never more. */
  #droppedShare({ dropOverload = 0 }: Cluster): number {
    if (dropOverload === 0) return 0;
    return Math.min(dropOverload, this.#stream.thread.runtime.integer("load_balancing_policy.drop_overload_limit", 100) / 100);
  }

  // ---- tries

  #onRequestComplete(): void {
    const { globalMs } = this.#tries.timeouts;
    if (globalMs > 0) this.#stream.timers.set(this.#globalTimer, globalMs);
    this.#tries.onRequestComplete();
    this.#mirroring = undefined;
  }

  /** Keeps a chunk for a retry, or gives retries up when it is too much. */
  #keep(chunk: Buffer): void {
    if (this.#body!.push(chunk)) return;
    this.#charges!.cluster.stats.retryAbandoned.inc();
    this.#giveUpRetries();
    // Between two tries there is nobody to send the rest to.
    if (this.#tries.newest === undefined) this.#answer(LOCAL_REPLIES.retryBufferExceeded);
  }

  #try(cluster: Cluster, host: Host): void {
    // Of each try anew, as in Envoy, and never of a copy for a mirror.
    const { autoHostRewrite, appendForwardedHost } = this.#route!;
    if (autoHostRewrite && host.hostname !== "") replaceAuthority(this.#tries.headers, host.hostname, appendForwardedHost);
    if (this.#tries.begin(this, cluster, host, this.#body?.pieces() ?? [])) return;
    const reply = upstreamReset("overflow", "", this.#tries.count > 1, false);
    this.#retries?.giveUp();
    this.#abort(reply, undefined);
    this.#answer(reply);
  }

  tryAgain(): void {
    if (this.#done) return;
    const choice = this.#choice!;
    const headers = this.#tries.headers;
    const { info, clock, thread } = this.#stream;
    this.#tries.count++;
    info.attemptCount = this.#tries.count;
    // The cluster may have been removed or replaced in the meantime.
    const cluster = thread.clusters.get(choice.cluster);
    if (cluster !== undefined) this.#charges!.cluster = cluster;
    const host = cluster?.chooseHost(this.#selection);
    if (cluster === undefined || host === undefined) {
      this.#noHost();
      return;
    }
    const route = this.#route!;
    if (route.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", String(this.#tries.count));
    if (route.includeTimeoutRetryInRequest) headers.set("x-envoy-is-timeout-retry", String(this.#retries?.afterTimeout === true));
    if (!this.#config.suppressEnvoyHeaders) {
      setExpectedTimeout(headers, this.#tries.timeouts, this.#tries.elapsedMs(clock.monotonicMs()), this.#grpc ? route : undefined);
    }
    this.#try(cluster, host);
  }

  #retriedAfterReset(reason: StreamResetReason, request: UpstreamRequest, afterTimeout: boolean): boolean {
    return !this.#responseStarted && this.#retries?.onReset(reason, request, afterTimeout, this.#charges!.cluster) === true;
  }

  #hedge(request: UpstreamRequest): void {
    request.host.outlierMonitor?.putResult("timeout");
    if (!this.#responseStarted) this.#retries?.hedge(request, this.#charges!.cluster);
  }

  /** The try took too long. */
  #endTry(request: UpstreamRequest, reply: LocalReply): void {
    request.host.stats.rqTimeout++;
    request.host.outlierMonitor?.putResult("timeout");
    this.#tries.drop(request);
    if (this.#retriedAfterReset("local-reset", request, true)) return;
    this.#abort(reply, request.host);
    this.#answer(reply);
  }

  // ---- answers

  /** The proxy follows the redirect itself: the request begins anew. */
  #redirected(response: ResponseHeaderMap): boolean {
    const stream = this.#stream;
    const replayable = this.#tries.complete && (this.#body !== undefined || stream.info.bytesReceived === 0);
    const { stats } = this.#charges!.cluster;
    if (!redirectInternally(this.#tries.headers, response, this.#route!, stream, stats, replayable)) return false;
    this.#done = true;
    const body = response.status === 303 ? [] : (this.#body?.pieces() ?? []);
    stream.recreate(response, body, this.#tries.trailers);
    return true;
  }

  /** Counts the answer that the upstream owes. As Envoy: once one has begun, only gRPC's may still turn out to be none. */
  #abort(reply: LocalReply, host: Host | undefined): void {
    if (!this.#responseBegun) this.#charges!.abort(reply.status, host);
    else if (this.#grpc && this.#responseStarted) this.#charges!.abortBegun(host);
  }

  #noHost(): void {
    this.#charges!.code(LOCAL_REPLIES.noHealthyUpstream.status);
    this.#answer(LOCAL_REPLIES.noHealthyUpstream);
  }

  #answer(reply: LocalReply): void {
    this.#done = true;
    this.#cleanup();
    this.#tries.finish();
    const { count } = this.#tries;
    const counted = count > 0 && this.#route?.includeAttemptCountInResponse === true;
    this.#stream.respondLocally(counted ? withAttemptCount(reply, count) : reply);
  }

  /** The response is there in full. */
  #complete(nowMs: number): void {
    this.#stream.info.upstreamLastByteReceivedMs = nowMs;
    if (this.#tries.complete) this.#charges!.took(this.#tries.elapsedMs(nowMs));
    this.#cleanup();
  }

  /** A retry that waits is not made any more. */
  #giveUpRetries(): void {
    this.#retries?.giveUp();
    this.#retries = undefined;
    this.#body = undefined;
  }

  #cleanup(): void {
    this.#giveUpRetries();
    this.#stream.timers.cancel(this.#globalTimer);
  }
}
