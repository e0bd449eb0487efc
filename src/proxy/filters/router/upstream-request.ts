// One try of a request at one host: waits for a connection, sends what there is, hands the answer to the router. It is over exactly
// once (`#over`); after that nothing of it reaches the router.
import type { Cluster, Host, PendingStream, PoolCallbacks, PoolFailureReason } from "#proxy/cluster/cluster";
import type { HttpFilter, LocalReply, MessagePart } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { transportFailureReason } from "#proxy/http/local-reply";
import type { HttpVersion, RequestSender, ResponseReceiver, StreamResetReason } from "#proxy/http/stream";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner, TimerWheel } from "#proxy/http/timer-wheel";
import type { ConnectionInfo, SocketAddress, TransportFailure } from "#proxy/net/connection";
import { own } from "#proxy/net/read-buffer";
import type { ConnectConfig, RoutingPriority } from "#proxy/route/route";
import { terminatedTunnel } from "./connect-termination.ts";
import type { RequestTimeouts } from "./timeouts.ts";
import { upstreamAuthority } from "./upstream-authority.ts";
import { UpstreamFilters } from "./upstream-filters.ts";
import type { FilteredTry } from "./upstream-filters.ts";

/** What each try sends, and for how long. */
export interface SentRequest {
  readonly headers: RequestHeaderMap;
  readonly trailers: TrailerMap | undefined;
  /** All of it has come from downstream. */
  readonly complete: boolean;
  readonly timers: TimerWheel;
  readonly timeouts: RequestTimeouts;
  /** So much of a request may wait for a connection. */
  readonly bufferLimitBytes: number;
  readonly priority: RoutingPriority;
  readonly downstream: ConnectionInfo;
  /** What the client speaks; undefined: the request is the proxy's own. */
  readonly downstreamVersion: HttpVersion | undefined;
  /** Set where a tunnel may end at the host. */
  readonly connect?: ConnectConfig | undefined;
  /** Upstream HTTP filters for one try; undefined: there are none. */
  makeFilters(cluster: Cluster): readonly HttpFilter[] | undefined;
}

/** The router, as its tries see it. Several may run at once: each says who it is. */
export interface UpstreamRequestOwner {
  /** Without a connection the last two are undefined. */
  onUpstreamHost(host: Host, local: SocketAddress | undefined, version: HttpVersion | undefined): void;
  onUpstreamSent(first: boolean, last: boolean): void;
  onUpstreamInformational(request: UpstreamRequest, headers: ResponseHeaderMap): void;
  onUpstreamHeaders(request: UpstreamRequest, headers: ResponseHeaderMap, endStream: boolean): void;
  onUpstreamData(request: UpstreamRequest, chunk: Buffer, endStream: boolean): void;
  onUpstreamTrailers(request: UpstreamRequest, trailers: TrailerMap): void;
  onUpstreamReset(request: UpstreamRequest, reason: StreamResetReason, transportFailure: string): void;
  /** `idle`: it did not move for too long. */
  onPerTryTimeout(request: UpstreamRequest, idle: boolean): void;
  onMaxStreamDuration(request: UpstreamRequest): void;
  /** Request body may flow, or must wait: no connection yet, or its buffers are full. */
  onUpstreamWritable(writable: boolean): void;
  /** The host may have no more connection pools. */
  onUpstreamWithoutPool(request: UpstreamRequest): void;
  /** An upstream filter answers in the place of the host. */
  onUpstreamFilterReply(reply: LocalReply): void;
  /** A fault of ours, or of an upstream filter. */
  onUpstreamFault(error: unknown): void;
}

const PER_TRY = 0;
const PER_TRY_IDLE = 1;
const MAX_DURATION = 2;

export class UpstreamRequest implements ResponseReceiver, PoolCallbacks, TimerOwner, FilteredTry {
  readonly host: Host;
  readonly #cluster: Cluster;
  readonly #owner: UpstreamRequestOwner;
  readonly #request: SentRequest;
  /** Body that came before the connection; what a retry starts with. */
  #waiting: Uint8Array[];
  /** Of it, what came while this try had no connection. */
  #waitingBytes = 0;
  #pending: PendingStream | undefined = undefined;
  #sender: RequestSender | undefined = undefined;
  #writable = true;
  #requestEnded = false;
  #responseStarted = false;
  #counted = false;
  /** A TCP connection counts as a request by itself. */
  #countedByPool = false;
  #over = false;
  /** Also of a whole response, which filters may still have. */
  dropped = false;
  #filters: UpstreamFilters | undefined = undefined;
  /** A filter lets no more of the request come. */
  #heldByFilter = false;
  /** Another try was started because this one takes too long; it is not tried again for its own sake. */
  retried = false;
  /** Set only where there are such timeouts, once the request is complete and has a connection. */
  #perTry: WheelTimer | undefined = undefined;
  /** Set only where the cluster limits it, from the connection on. */
  #maxDuration: WheelTimer | undefined = undefined;
  #perTryIdle: WheelTimer | undefined = undefined;

  constructor(owner: UpstreamRequestOwner, request: SentRequest, cluster: Cluster, host: Host, body: Uint8Array[]) {
    this.#owner = owner;
    this.#request = request;
    this.#cluster = cluster;
    this.host = host;
    this.#waiting = body;
  }

  get awaitingHeaders(): boolean {
    return !this.#responseStarted;
  }

  /** The head went upstream. */
  get requestSent(): boolean {
    return this.#sender !== undefined;
  }

  start(): void {
    const { downstream, downstreamVersion, headers, priority, connect } = this.#request;
    const authority = upstreamAuthority(headers, this.#cluster.serverNameHeader);
    const tunnel = terminatedTunnel(connect, headers, this.#cluster, this.host, downstream);
    if (tunnel === undefined) this.host.activeRequests++;
    else this.#countedByPool = true;
    const pool = tunnel ?? this.#cluster.pool(this.host, downstream, authority, downstreamVersion, priority);
    if (pool === undefined) {
      this.#drop();
      this.#end();
      this.#owner.onUpstreamWithoutPool(this);
      return;
    }
    const filters = this.#request.makeFilters(this.#cluster);
    if (filters !== undefined) this.#filters = new UpstreamFilters(filters, this, this.#request.bufferLimitBytes);
    const pending = pool.newStream(this, this);
    if (this.#over) pending?.cancel();
    else if (this.#sender === undefined) this.#pending = pending;
    if (this.#filters !== undefined && !this.#over) this.#filter(this.#filters);
  }

  /** What has come so far, while a connection is made. */
  #filter(filters: UpstreamFilters): void {
    const { headers, complete, trailers } = this.#request;
    // Formats may ask for the host.
    if (this.#sender === undefined) this.#owner.onUpstreamHost(this.host, undefined, undefined);
    const body = this.#waiting;
    this.#waiting = [];
    filters.pushRequest({ kind: "headers", headers, endStream: complete && body.length === 0 && trailers === undefined });
    for (const [at, chunk] of body.entries())
      filters.pushRequest({
        kind: "data",
        chunk: asBuffer(chunk),
        endStream: complete && trailers === undefined && at === body.length - 1,
      });
    if (trailers !== undefined) filters.pushRequest({ kind: "trailers", trailers });
  }

  sendData(chunk: Uint8Array, endStream: boolean): void {
    if (this.#over) return;
    if (this.#filters === undefined) this.#forwardData(chunk, endStream);
    else this.#filters.pushRequest({ kind: "data", chunk: asBuffer(own(chunk)), endStream });
  }

  #forwardData(chunk: Uint8Array, endStream: boolean): void {
    const sender = this.#sender;
    if (sender === undefined) {
      this.#waiting.push(own(chunk));
      this.#waitingBytes += chunk.length;
      if (!endStream && this.#waitingBytes > this.#request.bufferLimitBytes) this.#setWritable(false);
      return;
    }
    this.#requestEnded = endStream;
    const goOn = sender.sendData(chunk, endStream);
    if (endStream) this.#owner.onUpstreamSent(false, true);
    else if (!goOn) this.#backUp();
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#over) return;
    if (this.#filters === undefined) this.#forwardTrailers(trailers);
    else this.#filters.pushRequest({ kind: "trailers", trailers });
  }

  #forwardTrailers(trailers: TrailerMap): void {
    if (this.#sender === undefined) return;
    this.#requestEnded = true;
    this.#sender.sendTrailers(trailers);
    this.#owner.onUpstreamSent(false, true);
  }

  /** The request has come in full: the time of this try begins, or began with its connection. */
  onRequestComplete(): void {
    if (this.#sender !== undefined) this.#armTimers();
  }

  #armTimers(): void {
    const { timers, timeouts } = this.#request;
    const { perTryMs, perTryIdleMs } = timeouts;
    if (perTryMs > 0) timers.set((this.#perTry = new WheelTimer(this, PER_TRY)), perTryMs);
    if (perTryIdleMs > 0) timers.set((this.#perTryIdle = new WheelTimer(this, PER_TRY_IDLE)), perTryIdleMs);
  }

  #progress(): void {
    if (this.#perTryIdle !== undefined) this.#request.timers.set(this.#perTryIdle, this.#request.timeouts.perTryIdleMs);
  }

  onTimer(kind: number): void {
    if (this.#over) return;
    if (kind === MAX_DURATION) {
      this.#cluster.stats.rqMaxDurationReached.inc();
      this.#owner.onMaxStreamDuration(this);
    } else this.#owner.onPerTryTimeout(this, kind === PER_TRY_IDLE);
  }

  pauseReading(): void {
    if (this.#over || this.#sender === undefined) return;
    this.#cluster.stats.flowPaused.inc();
    this.#sender.pauseReading();
  }

  resumeReading(): void {
    if (this.#over || this.#sender === undefined) return;
    this.#cluster.stats.flowResumed.inc();
    this.#sender.resumeReading();
  }

  /** The router has its response, or wants no more of it. */
  finish(reason: StreamResetReason = "local-reset"): void {
    this.#drop();
    if (this.#over) return;
    this.#end();
    if (this.#pending !== undefined) {
      this.#cluster.stats.rqCancelled.inc();
      this.#pending.cancel();
    } else if (this.#sender !== undefined) {
      this.#sender.reset(reason);
    }
  }

  // ---- PoolCallbacks

  onPoolReady(sender: RequestSender, host: Host, local: SocketAddress, _connectionReused: boolean): void {
    if (this.#over) {
      sender.reset("local-reset");
      return;
    }
    this.#pending = undefined;
    this.#sender = sender;
    if (!this.#countedByPool) this.#count();
    const owner = this.#owner;
    const request = this.#request;
    host.outlierMonitor?.putResult("connect-success");
    owner.onUpstreamHost(host, local, sender.version);

    const { maxStreamDurationMs = 0 } = this.#cluster;
    if (maxStreamDurationMs > 0) request.timers.set((this.#maxDuration = new WheelTimer(this, MAX_DURATION)), maxStreamDurationMs);

    if (request.complete) this.#armTimers();
    if (this.#filters === undefined || this.#filters.passed.headers !== undefined) this.#sendWaiting(sender);
    else this.#setWritable(true);
  }

  /** The head, and all that waited for the connection or for filters. */
  #sendWaiting(sender: RequestSender): void {
    const owner = this.#owner;
    const request = this.#request;
    const waiting = this.#waiting;
    const { trailers, complete } = this.#filters?.passed ?? request;
    this.#requestEnded = complete;
    const headersOnly = complete && waiting.length === 0 && trailers === undefined;
    sender.sendHeaders(request.headers, headersOnly);
    if (this.#over) return;
    owner.onUpstreamSent(true, complete);
    this.#waiting = [];
    let goOn = true;
    for (let i = 0; i < waiting.length && !this.#over; i++) {
      goOn = sender.sendData(waiting[i]!, complete && trailers === undefined && i === waiting.length - 1);
    }
    if (this.#over) return;
    if (trailers !== undefined) sender.sendTrailers(trailers);
    if (this.#over) return;
    if (goOn || complete) this.#setWritable(true);
    else this.#backUp();
  }

  onPoolFailure(reason: PoolFailureReason, failure: TransportFailure | undefined, host: Host): void {
    if (this.#over) return;
    this.#pending = undefined;
    this.#drop();
    this.#end();
    if (reason !== "overflow") this.#owner.onUpstreamHost(host, undefined, undefined);
    this.#owner.onUpstreamReset(this, reason, transportFailureReason(failure));
  }

  // ---- ResponseReceiver

  onInformational(headers: ResponseHeaderMap): void {
    if (this.#over) return;
    this.#progress();
    this.#owner.onUpstreamInformational(this, headers);
  }

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#over) return;
    this.#responseStarted = true;
    if (endStream) this.#complete();
    else this.#progress();
    if (this.#filters === undefined) this.#owner.onUpstreamHeaders(this, headers, endStream);
    else this.#filters.pushResponse({ kind: "headers", headers, endStream });
  }

  onResponseData(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return;
    if (endStream) this.#complete();
    else this.#progress();
    if (this.#filters === undefined) this.#owner.onUpstreamData(this, chunk, endStream);
    else this.#filters.pushResponse({ kind: "data", chunk: asBuffer(own(chunk)), endStream });
  }

  onResponseTrailers(trailers: TrailerMap): void {
    if (this.#over) return;
    this.#complete();
    if (this.#filters === undefined) this.#owner.onUpstreamTrailers(this, trailers);
    else this.#filters.pushResponse({ kind: "trailers", trailers });
  }

  onResponseReset(reason: StreamResetReason, details: string): void {
    if (this.#over) return;
    this.#drop();
    this.#end();
    this.#owner.onUpstreamReset(this, reason, reason === "protocol-error" ? details : "");
  }

  onRequestDrain(): void {
    if (this.#over) return;
    if (!this.#writable) this.#cluster.stats.flowDrained.inc();
    this.#setWritable(true);
  }

  // ---- FilteredTry

  sendFiltered(part: MessagePart<RequestHeaderMap>): void {
    if (this.#over) return;
    if (part.kind === "data") this.#forwardData(part.chunk, part.endStream);
    else if (part.kind === "trailers") this.#forwardTrailers(part.trailers);
    else if (this.#sender !== undefined) this.#sendWaiting(this.#sender);
  }

  receiveFiltered(part: MessagePart<ResponseHeaderMap>): void {
    const owner = this.#owner;
    if (part.kind === "headers") owner.onUpstreamHeaders(this, part.headers, part.endStream);
    else if (part.kind === "data") owner.onUpstreamData(this, part.chunk, part.endStream);
    else owner.onUpstreamTrailers(this, part.trailers);
    if (part.kind === "trailers" || part.endStream) this.#drop();
  }

  pauseFiltered(paused: boolean): void {
    if (this.#heldByFilter === paused) return;
    this.#heldByFilter = paused;
    if (this.#writable) this.#owner.onUpstreamWritable(!paused);
  }

  answerLocally(reply: LocalReply): void {
    this.#owner.onUpstreamFilterReply(reply);
  }

  failLocally(error: unknown): void {
    this.#owner.onUpstreamFault(error);
  }

  resetFiltered(reason: StreamResetReason): void {
    this.finish(reason);
    this.#owner.onUpstreamReset(this, reason, "");
  }

  // ----

  #drop(): void {
    if (this.dropped) return;
    this.dropped = true;
    this.#filters?.destroy();
  }

  /** The upstream connection holds more than it should. */
  #backUp(): void {
    this.#cluster.stats.flowBackedUp.inc();
    this.#setWritable(false);
  }

  /** The response is there in full. An upstream that answered before it had the whole request must not get the rest as a new one. */
  #complete(): void {
    const sender = this.#sender;
    this.#end();
    if (!this.#requestEnded) sender?.reset("local-reset");
  }

  #count(): void {
    this.#counted = true;
    const { stats } = this.#cluster;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.host.stats.rqTotal++;
    this.host.stats.rqActive++;
  }

  #end(): void {
    this.#over = true;
    const { timers, priority } = this.#request;
    if (this.#perTry !== undefined) timers.cancel(this.#perTry);
    if (this.#perTryIdle !== undefined) timers.cancel(this.#perTryIdle);
    if (this.#maxDuration !== undefined) timers.cancel(this.#maxDuration);
    if (!this.#countedByPool) this.host.activeRequests--;
    this.#cluster.releaseRequest(priority);
    if (this.#counted) {
      this.#cluster.stats.rqActive.dec();
      this.host.stats.rqActive--;
    }
    // Whoever comes next starts without our backpressure.
    this.#setWritable(true);
  }

  #setWritable(writable: boolean): void {
    if (this.#writable === writable) return;
    this.#writable = writable;
    if (!this.#heldByFilter) this.#owner.onUpstreamWritable(writable);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
