// One try of a request at one host: waits for a connection, sends what there is, hands the answer to the router. It is over exactly
// once (`#over`); after that nothing of it reaches the router.
import type { Cluster, Host, PendingStream, PoolCallbacks } from "#proxy/cluster/cluster";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { transportFailureReason } from "#proxy/http/local-reply";
import type { HttpVersion, RequestSender, ResponseReceiver, StreamResetReason } from "#proxy/http/stream";
import type { ConnectionInfo, SocketAddress, TransportFailure } from "#proxy/net/connection";

/** The router, as its tries see it. */
export interface UpstreamRequestOwner {
  readonly requestHeaders: RequestHeaderMap;
  readonly requestTrailers: TrailerMap | undefined;
  readonly downstream: ConnectionInfo;
  /** What the client speaks; undefined: the request is the proxy's own. */
  readonly downstreamVersion: HttpVersion | undefined;
  /** All of the request has come from downstream. */
  readonly requestComplete: boolean;
  onUpstreamHost(host: Host, local: SocketAddress | undefined): void;
  onUpstreamSent(first: boolean, last: boolean): void;
  onUpstreamInformational(headers: ResponseHeaderMap): void;
  onUpstreamHeaders(headers: ResponseHeaderMap, endStream: boolean): void;
  onUpstreamData(chunk: Buffer, endStream: boolean): void;
  onUpstreamTrailers(trailers: TrailerMap): void;
  onUpstreamReset(reason: StreamResetReason, transportFailure: string): void;
  /** Request body may flow, or must wait: no connection yet, or its buffers are full. */
  onUpstreamWritable(writable: boolean): void;
}

export class UpstreamRequest implements ResponseReceiver, PoolCallbacks {
  readonly host: Host;
  readonly #cluster: Cluster;
  readonly #owner: UpstreamRequestOwner;
  /** Body that came before the connection; what a retry starts with. */
  #waiting: Uint8Array[];
  #pending: PendingStream | undefined = undefined;
  #sender: RequestSender | undefined = undefined;
  #writable = true;
  #requestEnded = false;
  #responseStarted = false;
  #counted = false;
  #over = false;

  constructor(owner: UpstreamRequestOwner, cluster: Cluster, host: Host, body: Uint8Array[]) {
    this.#owner = owner;
    this.#cluster = cluster;
    this.host = host;
    this.#waiting = body;
  }

  get responseStarted(): boolean {
    return this.#responseStarted;
  }

  /** The head went upstream. */
  get requestSent(): boolean {
    return this.#sender !== undefined;
  }

  start(): void {
    this.host.activeRequests++;
    const { downstream, downstreamVersion, requestHeaders } = this.#owner;
    const pending = this.#cluster.pool(this.host, downstream, requestHeaders.authority, downstreamVersion).newStream(this, this);
    if (this.#over) pending?.cancel();
    else if (this.#sender === undefined) this.#pending = pending;
  }

  sendData(chunk: Uint8Array, endStream: boolean): void {
    if (this.#over) return;
    const sender = this.#sender;
    if (sender === undefined) {
      this.#waiting.push(chunk);
      // What was read already is kept; nothing more is read until there is a connection.
      if (!endStream) this.#setWritable(false);
      return;
    }
    this.#requestEnded = endStream;
    const goOn = sender.sendData(chunk, endStream);
    if (endStream) this.#owner.onUpstreamSent(false, true);
    else if (!goOn) this.#backUp();
  }

  sendTrailers(trailers: TrailerMap): void {
    if (this.#over || this.#sender === undefined) return;
    this.#requestEnded = true;
    this.#sender.sendTrailers(trailers);
    this.#owner.onUpstreamSent(false, true);
  }

  pauseReading(): void {
    if (!this.#over) this.#sender?.pauseReading();
  }

  resumeReading(): void {
    if (!this.#over) this.#sender?.resumeReading();
  }

  /** The router has its response, or wants no more of it. */
  finish(reason: StreamResetReason = "local-reset"): void {
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
    this.#counted = true;
    const { stats } = this.#cluster;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    host.stats.rqTotal++;
    host.stats.rqActive++;
    const owner = this.#owner;
    host.outlierMonitor?.putResult("connect-success");
    owner.onUpstreamHost(host, local);

    const waiting = this.#waiting;
    const trailers = owner.requestTrailers;
    const complete = owner.requestComplete;
    this.#requestEnded = complete;
    const headersOnly = complete && waiting.length === 0 && trailers === undefined;
    sender.sendHeaders(owner.requestHeaders, headersOnly);
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

  onPoolFailure(reason: "overflow" | "connection-failure" | "connection-timeout", failure: TransportFailure | undefined, host: Host): void {
    if (this.#over) return;
    this.#pending = undefined;
    this.#end();
    if (reason !== "overflow") this.#owner.onUpstreamHost(host, undefined);
    this.#owner.onUpstreamReset(reason, transportFailureReason(failure));
  }

  // ---- ResponseReceiver

  onInformational(headers: ResponseHeaderMap): void {
    if (!this.#over) this.#owner.onUpstreamInformational(headers);
  }

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#over) return;
    this.#responseStarted = true;
    if (endStream) this.#complete();
    this.#owner.onUpstreamHeaders(headers, endStream);
  }

  onResponseData(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return;
    // The bytes go to a downstream socket or a filter's queue: both outlive this call.
    this.#sender?.keepChunk();
    if (endStream) this.#complete();
    this.#owner.onUpstreamData(chunk, endStream);
  }

  onResponseTrailers(trailers: TrailerMap): void {
    if (this.#over) return;
    this.#complete();
    this.#owner.onUpstreamTrailers(trailers);
  }

  onResponseReset(reason: StreamResetReason, details: string): void {
    if (this.#over) return;
    this.#end();
    this.#owner.onUpstreamReset(reason, reason === "protocol-error" ? details : "");
  }

  onRequestDrain(): void {
    if (this.#over) return;
    if (!this.#writable) this.#cluster.stats.flowDrained.inc();
    this.#setWritable(true);
  }

  // ----

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

  #end(): void {
    this.#over = true;
    this.host.activeRequests--;
    this.#cluster.releaseRequest();
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
    this.#owner.onUpstreamWritable(writable);
  }
}
