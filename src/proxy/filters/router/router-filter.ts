// The router: the terminal filter that sends a request to a cluster, tries again where the policy says so, and brings the answer
// back. Behaviour, statistics and texts are those of Envoy's router.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { hasGrpcContentType } from "#proxy/http/grpc";
import { replaceAuthority } from "#proxy/route/host-rewrite";
import { LOCAL_REPLIES, clusterNotFound, upstreamReset } from "#proxy/http/local-reply";
import type { HttpVersion, StreamResetReason } from "#proxy/http/stream";
import type { TerminalFilter, TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner, TimerWheel } from "#proxy/http/timer-wheel";
import type { ClusterChoice, RouteEntry, RoutingPriority } from "#proxy/route/route";
import { grpcOutcome } from "./grpc-outcome.ts";
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
import { NO_TIMEOUTS, requestTimeouts, setExpectedTimeout } from "./timeouts.ts";
import type { RequestTimeouts } from "./timeouts.ts";
import { Tries } from "./tries.ts";
import { UpstreamCharges } from "./upstream-charges.ts";
import { UpstreamRequest } from "./upstream-request.ts";
import type { UpstreamRequestOwner } from "./upstream-request.ts";

const GLOBAL_TIMEOUT = 0;

export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, RetriesOwner, TimerOwner {
  readonly #stream: TerminalStream;
  readonly #config: RouterConfig;
  readonly #statsCache: RequestStatsCache;
  readonly #selection: HostSelection;
  #headers: RequestHeaderMap | undefined = undefined;
  #trailers: TrailerMap | undefined = undefined;
  #route: RouteEntry | undefined = undefined;
  #choice: ClusterChoice | undefined = undefined;
  /** From the choice of a cluster on. */
  #charges: UpstreamCharges | undefined = undefined;
  readonly #tries = new Tries();
  /** While there may be another try. */
  #retries: Retries | undefined = undefined;
  /** The request body so far while it may be sent again; undefined when it is not kept. */
  #body: RetryBody | undefined = undefined;
  #mirroring: Mirroring | undefined = undefined;
  #timeoutReplies: { readonly global: LocalReply; readonly perTry: LocalReply } | undefined = undefined;
  #requestCompleteMs = -1;
  #responseStarted = false;
  /** The response waits for the client to take what it has. */
  #clientFull = false;
  #attempts = 0;
  #done = false;
  #grpc = false;
  timeouts: RequestTimeouts = NO_TIMEOUTS;
  readonly #globalTimer = new WheelTimer(this, GLOBAL_TIMEOUT);

  constructor(stream: TerminalStream, config: RouterConfig, statsCache: RequestStatsCache) {
    this.#statsCache = statsCache;
    this.#stream = stream;
    this.#config = config;
    this.#selection = new HostSelection(stream);
  }

  // ---- TerminalFilter: the request

  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    const stream = this.#stream;
    const { info, stats } = stream;
    this.#headers = headers;
    stats.routerRqTotal.inc();
    const route = stream.route();
    if (route === undefined) {
      stats.noRoute.inc();
      this.#answer(LOCAL_REPLIES.routeNotFound);
      return;
    }
    this.#route = route;
    if (route.reply !== undefined) {
      const reply = route.reply(headers, info);
      if (reply.status >= 300 && reply.status <= 399) stats.redirect.inc();
      else stats.directResponse.inc();
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
    const charges = new UpstreamCharges(stats, cluster, this.#statsCache.of(route, headers, stream.thread.stats), headers);
    this.#charges = charges;
    this.#grpc = hasGrpcContentType(headers);
    this.#selection.computeHash(route, headers);
    this.#selection.matchMetadata(choice);
    this.#attempts = 1;
    info.attemptCount = 1;
    const host = cluster.chooseHost(this.#selection);
    if (host === undefined) {
      this.#noHost();
      return;
    }

    this.timeouts = requestTimeouts(route, headers, this.#grpc);
    if (headers.has("x-envoy-upstream-rq-timeout-alt-response")) {
      headers.remove("x-envoy-upstream-rq-timeout-alt-response");
      this.#timeoutReplies = {
        global: { ...LOCAL_REPLIES.responseTimeout, status: 204, body: "" },
        perTry: { ...LOCAL_REPLIES.perTryTimeout, status: 204, body: "" },
      };
    }
    if (route.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", "1");
    route.finalizeRequest(headers, info, choice);
    const policy = requestRetryPolicy(route.retry, headers);
    if (policy !== undefined) {
      const state = new RetryState(policy, route.priority, stream.random, charges.more);
      this.#retries = new Retries(this, stream, state, this.#tries, this.#selection);
    }
    if (!endStream && (policy !== undefined || route.internalRedirect !== undefined)) this.#body = new RetryBody(stream.bufferLimitBytes);
    if (!this.#config.suppressEnvoyHeaders) setExpectedTimeout(headers, this.timeouts, 0, this.#rewritesGrpcTimeout);
    if (route.mirrors !== undefined) this.#mirroring = Mirroring.start(route, stream, headers, this.timeouts.globalMs, endStream);
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
    this.#trailers = trailers;
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

  get downstreamVersion(): HttpVersion | undefined {
    return this.#stream.info.protocol;
  }
  get timers(): TimerWheel {
    return this.#stream.timers;
  }
  get priority(): RoutingPriority {
    return this.#route!.priority;
  }
  get downstream(): ConnectionInfo {
    return this.#stream.connection;
  }
  get requestHeaders(): RequestHeaderMap {
    return this.#headers!;
  }
  get requestTrailers(): TrailerMap | undefined {
    return this.#trailers;
  }
  get requestComplete(): boolean {
    return this.#requestCompleteMs >= 0;
  }

  onUpstreamHost(host: Host, local: SocketAddress | undefined, version: HttpVersion | undefined): void {
    const { info } = this.#stream;
    info.upstreamHost = host.address;
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
    // Something of this try's answer is out: another try would answer twice.
    this.#tries.settleOn(request);
    this.#giveUpRetries();
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

    host.outlierMonitor?.putStatus(this.#grpc ? grpcOutcome(headers) : status);
    if (host.healthMonitor !== undefined && headers.has("x-envoy-immediate-health-check-fail")) host.healthMonitor.setUnhealthy();
    if (this.#retries?.onHeaders(request, headers, charges.cluster) === true) return;
    if (route.internalRedirect?.statuses.has(status) === true && this.#redirected(headers)) return;
    this.#tries.settleOn(request);
    this.#giveUpRetries();
    this.#responseStarted = true;

    if (this.requestComplete && !this.#config.suppressEnvoyHeaders) {
      headers.set("x-envoy-upstream-service-time", String(Math.trunc(nowMs - this.#requestCompleteMs)));
    }
    charges.code(status);
    if (status >= 500) host.stats.rqError++;
    else if (!this.#grpc || endStream) host.stats.rqSuccess++;
    if (route.includeAttemptCountInResponse) headers.set("x-envoy-attempt-count", String(this.#attempts));
    info.responseCodeDetails = "via_upstream";
    for (const cookie of this.#selection.cookies) headers.add("set-cookie", cookie);
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
    if (this.#grpc) {
      if (trailers.get("grpc-status") === "0") request.host.stats.rqSuccess++;
      else request.host.stats.rqError++;
    }
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
    const reply = upstreamReset(reason, transportFailure, this.#attempts > 1, this.#responseStarted);
    this.#charges!.abort(reply.status, request.host, this.#responseStarted);
    if (this.#retries?.pending !== true && !this.#tries.othersWait(undefined)) this.#answer(reply);
  }

  onPerTryTimeout(request: UpstreamRequest): void {
    if (this.#done || this.#responseStarted) return;
    if (this.timeouts.hedge) {
      this.#hedge(request);
      return;
    }
    this.#charges!.cluster.stats.rqPerTryTimeout.inc();
    this.#endTry(request, this.#timeoutReplies?.perTry ?? LOCAL_REPLIES.perTryTimeout);
  }

  /** Also while the response comes. */
  onMaxStreamDuration(request: UpstreamRequest): void {
    if (this.#done) return;
    this.#tries.drop(request);
    if (this.#retriedAfterReset("local-reset", request, false)) return;
    this.#answer(this.requestComplete ? LOCAL_REPLIES.upstreamMaxDuration : LOCAL_REPLIES.upstreamMaxDurationInRequest);
  }

  onPerTryIdleTimeout(request: UpstreamRequest): void {
    if (this.#done) return;
    if (this.timeouts.hedge) {
      this.#hedge(request);
      return;
    }
    this.#charges!.cluster.stats.rqPerTryIdleTimeout.inc();
    this.#endTry(request, LOCAL_REPLIES.perTryIdleTimeout);
  }

  // ---- TimerOwner

  onTimer(): void {
    if (!this.#done) this.#onGlobalTimeout();
  }

  // ---- tries

  get #rewritesGrpcTimeout(): boolean {
    const route = this.#route;
    return this.#grpc && route?.maxGrpcTimeoutMs !== undefined && route.maxStreamDuration === undefined;
  }

  #onRequestComplete(): void {
    const stream = this.#stream;
    this.#requestCompleteMs = stream.clock.monotonicMs();
    const { globalMs } = this.timeouts;
    if (globalMs > 0) stream.timers.set(this.#globalTimer, globalMs);
    this.#tries.newest?.onRequestComplete();
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
    if (autoHostRewrite && host.hostname !== "") replaceAuthority(this.#headers!, host.hostname, appendForwardedHost);
    const attempt = new UpstreamRequest(this, cluster, host, this.#body?.pieces() ?? []);
    if (!cluster.tryAcquireRequest(this.priority)) {
      cluster.stats.rqActiveOverflow.inc();
      const reply = upstreamReset("overflow", "", this.#attempts > 1, false);
      this.#retries?.giveUp();
      this.#charges!.abort(reply.status, undefined, this.#responseStarted);
      this.#answer(reply);
      return;
    }
    this.#tries.add(attempt);
    attempt.start();
  }

  tryAgain(): void {
    if (this.#done) return;
    const choice = this.#choice!;
    const headers = this.#headers!;
    const { info, clock, thread } = this.#stream;
    this.#attempts++;
    info.attemptCount = this.#attempts;
    // The cluster may have been removed or replaced in the meantime.
    const cluster = thread.clusters.get(choice.cluster);
    if (cluster !== undefined) this.#charges!.cluster = cluster;
    const host = cluster?.chooseHost(this.#selection);
    if (cluster === undefined || host === undefined) {
      this.#noHost();
      return;
    }
    const route = this.#route!;
    if (route.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", String(this.#attempts));
    if (route.includeTimeoutRetryInRequest) headers.set("x-envoy-is-timeout-retry", String(this.#retries?.afterTimeout === true));
    if (!this.#config.suppressEnvoyHeaders) {
      const elapsedMs = this.requestComplete ? clock.monotonicMs() - this.#requestCompleteMs : 0;
      setExpectedTimeout(headers, this.timeouts, elapsedMs, this.#rewritesGrpcTimeout);
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
    this.#charges!.abort(reply.status, request.host, this.#responseStarted);
    this.#answer(reply);
  }

  #onGlobalTimeout(): void {
    const charges = this.#charges!;
    const reply = this.#timeoutReplies?.global ?? LOCAL_REPLIES.responseTimeout;
    for (const request of this.#tries.all()) {
      charges.timeout(request.host);
      if (!request.awaitingHeaders) continue;
      // A try that was hedged has told of its timeout already.
      if (!request.retried) request.host.outlierMonitor?.putResult("timeout");
      charges.abort(reply.status, request.host, false);
    }
    this.#answer(reply);
  }

  // ---- answers

  /** The proxy follows the redirect itself: the request begins anew. */
  #redirected(response: ResponseHeaderMap): boolean {
    const stream = this.#stream;
    const { stats } = this.#charges!.cluster;
    const route = this.#route!;
    const followed =
      this.requestComplete &&
      (this.#body !== undefined || stream.info.bytesReceived === 0) &&
      redirectInternally(this.#headers!, response, route, stream);
    if (!followed) {
      stats.internalRedirectFailed.inc();
      return false;
    }
    stats.internalRedirectSucceeded.inc();
    this.#done = true;
    const body = response.status === 303 ? [] : (this.#body?.pieces() ?? []);
    stream.recreate(response, body, this.#trailers);
    return true;
  }

  #noHost(): void {
    const reply = LOCAL_REPLIES.noHealthyUpstream;
    this.#charges!.code(reply.status);
    this.#answer(reply);
  }

  #answer(reply: LocalReply): void {
    this.#done = true;
    this.#cleanup();
    this.#tries.finish();
    if (this.#attempts > 0 && this.#route?.includeAttemptCountInResponse === true) {
      const headers = [...(reply.headers ?? []), ["x-envoy-attempt-count", String(this.#attempts)] as const];
      this.#stream.respondLocally({ ...reply, headers });
      return;
    }
    this.#stream.respondLocally(reply);
  }

  /** The response is there in full. */
  #complete(nowMs: number): void {
    this.#stream.info.upstreamLastByteReceivedMs = nowMs;
    if (this.requestComplete) this.#charges!.took(nowMs - this.#requestCompleteMs);
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
