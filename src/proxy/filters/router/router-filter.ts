// The router: the terminal filter that sends a request to a cluster, tries again where the policy says so, and brings the answer
// back. Behaviour, statistics and texts are those of Envoy's router. Hedging and internal redirects are not there.
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { hasGrpcContentType } from "#proxy/http/grpc";
import { LOCAL_REPLIES, clusterNotFound, upstreamReset } from "#proxy/http/local-reply";
import type { HttpVersion, StreamResetReason } from "#proxy/http/stream";
import type { TerminalFilter, TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner } from "#proxy/http/timer-wheel";
import type { ClusterChoice, RouteEntry } from "#proxy/route/route";
import { grpcOutcome } from "./grpc-outcome.ts";
import { requestRetryPolicy } from "./request-retry-policy.ts";
import { RetryState } from "./retry-state.ts";
import { Mirroring } from "./mirroring.ts";
import { RetryBody } from "./retry-body.ts";
import type { RouteStatsCache } from "./route-stats.ts";
import type { RouterConfig } from "./router-config.ts";
import { requestTimeouts, setExpectedTimeout } from "./timeouts.ts";
import type { RequestTimeouts } from "./timeouts.ts";
import { HostSelection } from "./host-selection.ts";
import { UpstreamCharges } from "./upstream-charges.ts";
import { UpstreamRequest } from "./upstream-request.ts";
import type { UpstreamRequestOwner } from "./upstream-request.ts";

const GLOBAL_TIMEOUT = 0;
const PER_TRY_TIMEOUT = 1;
const RETRY_BACKOFF = 2;
const NO_TIMEOUTS: RequestTimeouts = { globalMs: 0, perTryMs: 0 };

export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, TimerOwner {
  readonly #stream: TerminalStream;
  readonly #config: RouterConfig;
  readonly #routeStatsCache: RouteStatsCache;
  #headers: RequestHeaderMap | undefined = undefined;
  #trailers: TrailerMap | undefined = undefined;
  #route: RouteEntry | undefined = undefined;
  #choice: ClusterChoice | undefined = undefined;
  /** From the choice of a cluster on. */
  #charges: UpstreamCharges | undefined = undefined;
  #attempt: UpstreamRequest | undefined = undefined;
  #retry: RetryState | undefined = undefined;
  /** The request body so far while it may be sent again; undefined when it is not kept. */
  #body: RetryBody | undefined = undefined;
  #mirroring: Mirroring | undefined = undefined;
  readonly #selection: HostSelection;
  #timeouts: RequestTimeouts = NO_TIMEOUTS;
  #timeoutReplies: { readonly global: LocalReply; readonly perTry: LocalReply } | undefined = undefined;
  #requestCompleteMs = -1;
  #responseStarted = false;
  /** The response waits for the client to take what it has. */
  #clientFull = false;
  #attempts = 0;
  #done = false;
  #grpc = false;
  readonly #globalTimer = new WheelTimer(this, GLOBAL_TIMEOUT);
  readonly #perTryTimer = new WheelTimer(this, PER_TRY_TIMEOUT);
  readonly #backoffTimer = new WheelTimer(this, RETRY_BACKOFF);

  constructor(stream: TerminalStream, config: RouterConfig, routeStats: RouteStatsCache) {
    this.#routeStatsCache = routeStats;
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
    const charges = new UpstreamCharges(stats, cluster, this.#routeStatsCache.of(route, stream.thread.stats));
    this.#charges = charges;
    this.#grpc = hasGrpcContentType(headers);
    this.#selection.computeHash(route, headers);
    const host = cluster.chooseHost(this.#selection);
    if (host === undefined) {
      this.#noHost();
      return;
    }

    this.#timeouts = requestTimeouts(route, headers, this.#grpc);
    if (headers.has("x-envoy-upstream-rq-timeout-alt-response")) {
      headers.remove("x-envoy-upstream-rq-timeout-alt-response");
      this.#timeoutReplies = {
        global: { ...LOCAL_REPLIES.responseTimeout, status: 204, body: "" },
        perTry: { ...LOCAL_REPLIES.perTryTimeout, status: 204, body: "" },
      };
    }
    this.#attempts = 1;
    info.attemptCount = 1;
    if (route.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", "1");
    route.finalizeRequest(headers, info, choice);
    if (route.autoHostRewrite && host.hostname !== "") headers.authority = host.hostname;
    const policy = requestRetryPolicy(route.retry, headers);
    if (policy !== undefined) {
      this.#retry = new RetryState(policy, stream.random, charges.route);
      if (!endStream) this.#body = new RetryBody(stream.bufferLimitBytes);
    }
    if (!this.#config.suppressEnvoyHeaders) setExpectedTimeout(headers, this.#timeouts, 0, this.#rewritesGrpcTimeout);
    if (route.mirrors !== undefined) this.#mirroring = Mirroring.of(route.mirrors, stream, headers);
    if (endStream) this.#onRequestComplete();
    this.#try(cluster, host);
  }

  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (this.#done) return;
    if (this.#mirroring?.keep(chunk) === false) {
      this.#charges!.cluster.stats.retryAbandoned.inc();
      this.#mirroring = undefined;
    }
    if (this.#body !== undefined) this.#keep(chunk);
    if (this.#done) return;
    if (endStream) this.#onRequestComplete();
    this.#attempt?.sendData(chunk, endStream);
  }

  onRequestTrailers(trailers: TrailerMap): void {
    if (this.#done) return;
    this.#trailers = trailers;
    this.#onRequestComplete();
    this.#attempt?.sendTrailers(trailers);
  }

  onResponseDrain(): void {
    if (!this.#clientFull) return;
    this.#clientFull = false;
    this.#attempt?.resumeReading();
  }

  pauseResponse(): void {
    this.#attempt?.pauseReading();
  }

  resumeResponse(): void {
    this.#attempt?.resumeReading();
  }

  onDestroy(): void {
    this.#done = true;
    this.#cleanup();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.finish();
  }

  // ---- UpstreamRequestOwner

  get downstreamVersion(): HttpVersion | undefined {
    return this.#stream.info.protocol;
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

  onUpstreamHost(host: Host, local: SocketAddress | undefined): void {
    const { info } = this.#stream;
    info.upstreamHost = host.address;
    info.upstreamLocal = local;
    // With a connection: the request is on its way.
    if (local !== undefined) this.#charges!.sent();
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

  onUpstreamInformational(headers: ResponseHeaderMap): void {
    if (this.#done) return;
    this.#charges!.code(headers.status);
    // Something of this try's answer is out: another try would answer twice.
    this.#giveUpRetries();
    this.#stream.respondInformational(headers);
  }

  onUpstreamHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    const attempt = this.#attempt;
    const charges = this.#charges;
    const route = this.#route;
    if (this.#done || attempt === undefined || charges === undefined || route === undefined) return;
    const { cluster } = charges;
    const { info, clock } = this.#stream;
    const nowMs = clock.monotonicMs();
    info.upstreamFirstByteReceivedMs = nowMs;
    if (endStream) info.upstreamLastByteReceivedMs = nowMs;
    const { status } = headers;
    const { host } = attempt;

    host.outlierMonitor?.putStatus(this.#grpc ? grpcOutcome(headers) : status);
    if (this.#retry !== undefined) {
      const decision = this.#retry.onHeaders(headers, cluster);
      if (decision === "retry") {
        host.stats.rqError++;
        cluster.stats.retryCodes.charge(status);
        this.#attempt = undefined;
        attempt.finish();
        this.#backOff(host);
        return;
      }
      if (decision === "overflow") info.flags.add("UO");
      else if (decision === "limit-exceeded") info.flags.add("URX");
    }
    this.#giveUpRetries();
    this.#stream.timers.cancel(this.#perTryTimer);
    this.#responseStarted = true;

    if (this.requestComplete && !this.#config.suppressEnvoyHeaders) {
      headers.set("x-envoy-upstream-service-time", String(Math.trunc(nowMs - this.#requestCompleteMs)));
    }
    charges.code(status);
    if (status >= 500) host.stats.rqError++;
    else if (!this.#grpc || endStream) host.stats.rqSuccess++;
    if (route.includeAttemptCountInResponse) headers.set("x-envoy-attempt-count", String(this.#attempts));
    info.responseCodeDetails = "via_upstream";
    route.finalizeResponse(headers, info, this.#choice);
    for (const cookie of this.#selection.cookies) headers.add("set-cookie", cookie);
    if (endStream) this.#complete(nowMs);
    this.#stream.respondHeaders(headers, endStream);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    const attempt = this.#attempt;
    if (this.#done || attempt === undefined) return;
    if (endStream) this.#complete(this.#stream.clock.monotonicMs());
    // What was on its way when the upstream was paused still comes: HTTP/2 stops only where its window ends.
    if (this.#stream.respondData(chunk, endStream) || this.#clientFull) return;
    this.#clientFull = true;
    attempt.pauseReading();
  }

  onUpstreamTrailers(trailers: TrailerMap): void {
    const attempt = this.#attempt;
    if (this.#done || attempt === undefined) return;
    if (this.#grpc) {
      if (trailers.get("grpc-status") === "0") attempt.host.stats.rqSuccess++;
      else attempt.host.stats.rqError++;
    }
    this.#complete(this.#stream.clock.monotonicMs());
    this.#stream.respondTrailers(trailers);
  }

  onUpstreamReset(reason: StreamResetReason, transportFailure: string): void {
    const attempt = this.#attempt;
    if (this.#done || attempt === undefined) return;
    this.#attempt = undefined;
    this.#stream.timers.cancel(this.#perTryTimer);
    if (transportFailure !== "") this.#stream.info.upstreamTransportFailure = transportFailure;
    // A full circuit breaker is no fault of the host's: fewer hosts would fill it more.
    if (reason !== "overflow") attempt.host.outlierMonitor?.putResult("connect-failed");
    if (this.#retriedAfterReset(reason, attempt)) return;
    const reply = upstreamReset(reason, transportFailure, this.#attempts > 1, this.#responseStarted);
    this.#charges!.abort(reply.status, attempt.host, this.#responseStarted);
    this.#answer(reply);
  }

  // ---- TimerOwner

  onTimer(kind: number): void {
    if (this.#done) return;
    if (kind === RETRY_BACKOFF) this.#tryAgain();
    else if (kind === GLOBAL_TIMEOUT) this.#onGlobalTimeout();
    else this.#onPerTryTimeout();
  }

  // ----

  get #rewritesGrpcTimeout(): boolean {
    return this.#grpc && this.#route?.maxGrpcTimeoutMs !== undefined;
  }

  #onRequestComplete(): void {
    const stream = this.#stream;
    this.#requestCompleteMs = stream.clock.monotonicMs();
    const { globalMs } = this.#timeouts;
    if (globalMs > 0) stream.timers.set(this.#globalTimer, globalMs);
    if (this.#attempt !== undefined) this.#armPerTry();
    this.#mirroring?.send(this.#headers!, this.#trailers, this.#timeouts.globalMs);
    this.#mirroring = undefined;
  }

  #armPerTry(): void {
    const { perTryMs } = this.#timeouts;
    if (perTryMs > 0 && this.requestComplete) this.#stream.timers.set(this.#perTryTimer, perTryMs);
  }

  /** Keeps a chunk for a retry, or gives retries up when it is too much. */
  #keep(chunk: Buffer): void {
    if (this.#body!.push(chunk)) return;
    this.#charges!.cluster.stats.retryAbandoned.inc();
    this.#giveUpRetries();
    // Between two tries there is nobody to send the rest to.
    if (this.#attempt === undefined) this.#answer(LOCAL_REPLIES.retryBufferExceeded);
  }

  #try(cluster: Cluster, host: Host): void {
    const attempt = new UpstreamRequest(this, cluster, host, this.#body?.pieces() ?? []);
    if (!cluster.tryAcquireRequest()) {
      cluster.stats.rqActiveOverflow.inc();
      const reply = upstreamReset("overflow", "", this.#attempts > 1, false);
      this.#retry?.release();
      this.#charges!.abort(reply.status, undefined, this.#responseStarted);
      this.#answer(reply);
      return;
    }
    this.#attempt = attempt;
    this.#armPerTry();
    attempt.start();
  }

  #tryAgain(): void {
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
    if (this.#route!.includeAttemptCountInRequest) headers.set("x-envoy-attempt-count", String(this.#attempts));
    if (!this.#config.suppressEnvoyHeaders) {
      const elapsedMs = this.requestComplete ? clock.monotonicMs() - this.#requestCompleteMs : 0;
      setExpectedTimeout(headers, this.#timeouts, elapsedMs, this.#rewritesGrpcTimeout);
    }
    this.#try(cluster, host);
  }

  /** Waits, then tries again; the request body waits too, except for what was kept. */
  #backOff(host: Host): void {
    const retry = this.#retry!;
    this.#stream.timers.cancel(this.#perTryTimer);
    this.#selection.onHostAttempted(host, retry.policy);
    this.#stream.timers.set(this.#backoffTimer, retry.nextBackoffMs());
  }

  #retriedAfterReset(reason: StreamResetReason, attempt: UpstreamRequest): boolean {
    if (this.#responseStarted || this.#retry === undefined) return false;
    const { info } = this.#stream;
    const decision = this.#retry.onReset(reason, attempt.requestSent, this.#charges!.cluster);
    if (decision === "retry") {
      attempt.host.stats.rqError++;
      this.#backOff(attempt.host);
      return true;
    }
    if (decision === "overflow") info.flags.add("UO");
    else if (decision === "limit-exceeded") info.flags.add("URX");
    return false;
  }

  #onGlobalTimeout(): void {
    const attempt = this.#attempt;
    const charges = this.#charges!;
    const reply = this.#timeoutReplies?.global ?? LOCAL_REPLIES.responseTimeout;
    if (attempt !== undefined) {
      charges.timeout(attempt.host);
      if (!this.#responseStarted) {
        attempt.host.outlierMonitor?.putResult("timeout");
        charges.abort(reply.status, attempt.host, false);
      }
    }
    this.#answer(reply);
  }

  #onPerTryTimeout(): void {
    const attempt = this.#attempt;
    const charges = this.#charges!;
    if (attempt === undefined || this.#responseStarted) return;
    charges.cluster.stats.rqPerTryTimeout.inc();
    attempt.host.stats.rqTimeout++;
    this.#attempt = undefined;
    attempt.host.outlierMonitor?.putResult("timeout");
    attempt.finish();
    if (this.#retriedAfterReset("local-reset", attempt)) return;
    const reply = this.#timeoutReplies?.perTry ?? LOCAL_REPLIES.perTryTimeout;
    charges.abort(reply.status, attempt.host, this.#responseStarted);
    this.#answer(reply);
  }

  #noHost(): void {
    const reply = LOCAL_REPLIES.noHealthyUpstream;
    this.#charges!.code(reply.status);
    this.#answer(reply);
  }

  #answer(reply: LocalReply): void {
    this.#done = true;
    this.#cleanup();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.finish();
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

  #giveUpRetries(): void {
    this.#retry?.release();
    this.#retry = undefined;
    this.#body = undefined;
  }

  #cleanup(): void {
    this.#giveUpRetries();
    const { timers } = this.#stream;
    timers.cancel(this.#globalTimer);
    timers.cancel(this.#perTryTimer);
    timers.cancel(this.#backoffTimer);
  }
}
