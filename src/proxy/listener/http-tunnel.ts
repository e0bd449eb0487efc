// A TCP upstream within a stream of HTTP: CONNECT, or a POST whose body the upstream proxy takes for the bytes of a connection. It stands
// when the upstream has agreed; before that a failure is one of connecting, and may be tried again.
import type { Cluster, Host, HttpConnectionPool, PendingStream, PoolCallbacks, PoolFailureReason } from "#proxy/cluster/cluster";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { RequestSender, ResponseReceiver, StreamResetReason } from "#proxy/http/stream";
import type { ConnectionHandler, SocketAddress, TransportFailure } from "#proxy/net/connection";
import type { TcpUpstream } from "./tcp-upstream.ts";

export interface HttpTunnelOwner {
  /** From now on bytes and the end come to `handler`. */
  onTunnelReady(local: SocketAddress | undefined): ConnectionHandler;
  /** It never stood. `overflow`: a limit of the cluster's. */
  onTunnelFailed(cause: "overflow" | "connect-failed" | "connect-timeout" | "refused", detail: string): void;
  onTunnelHeaders(headers: ResponseHeaderMap): void;
  onTunnelTrailers(trailers: TrailerMap): void;
}

const NOTHING = Buffer.alloc(0);

export class HttpTunnel implements TcpUpstream, ResponseReceiver, PoolCallbacks {
  readonly #owner: HttpTunnelOwner;
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #request: RequestHeaderMap;
  #pending: PendingStream | undefined;
  #sender: RequestSender | undefined;
  #local: SocketAddress | undefined;
  #handler: ConnectionHandler | undefined;
  #readEnded = false;
  #writeEnded = false;
  #over = false;

  constructor(owner: HttpTunnelOwner, cluster: Cluster, host: Host, request: RequestHeaderMap) {
    this.#owner = owner;
    this.#cluster = cluster;
    this.#host = host;
    this.#request = request;
  }

  start(pool: HttpConnectionPool): void {
    if (!this.#cluster.tryAcquireRequest()) {
      this.#over = true;
      this.#cluster.stats.rqActiveOverflow.inc();
      this.#owner.onTunnelFailed("overflow", "");
      return;
    }
    this.#host.activeRequests++;
    const pending = pool.newStream(this, this);
    if (this.#over) pending?.cancel();
    else if (this.#sender === undefined) this.#pending = pending;
  }

  /** Nobody wants it any more. */
  cancel(): void {
    if (this.#over) return;
    const pending = this.#pending;
    const sender = this.#sender;
    this.#finish();
    if (pending !== undefined) {
      this.#cluster.stats.rqCancelled.inc();
      pending.cancel();
    } else if (!this.#readEnded || !this.#writeEnded) sender?.reset("local-reset");
  }

  // ---- TcpUpstream

  write(chunk: Uint8Array): boolean {
    return this.#over || this.#writeEnded || this.#sender!.sendData(chunk, false);
  }

  pauseReading(): void {
    if (!this.#over) this.#sender?.pauseReading();
  }

  resumeReading(): void {
    if (!this.#over) this.#sender?.resumeReading();
  }

  end(): void {
    if (this.#over || this.#writeEnded) return;
    this.#writeEnded = true;
    this.#sender!.sendData(NOTHING, true);
    this.#endIfDone();
  }

  /** Both halves: what was not read yet is not wanted. */
  close(): void {
    if (this.#over) return;
    const handler = this.#handler;
    this.cancel();
    handler?.onClose(undefined);
  }

  // ---- PoolCallbacks

  onPoolReady(sender: RequestSender, host: Host, local: SocketAddress): void {
    if (this.#over) {
      sender.reset("local-reset");
      return;
    }
    this.#pending = undefined;
    this.#sender = sender;
    this.#local = local;
    const { stats } = this.#cluster;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    host.stats.rqTotal++;
    host.stats.rqActive++;
    sender.sendHeaders(this.#request, false);
  }

  onPoolFailure(reason: PoolFailureReason, failure: TransportFailure | undefined): void {
    if (this.#over) return;
    this.#finish();
    const cause = reason === "overflow" ? "overflow" : reason === "connection-timeout" ? "connect-timeout" : "connect-failed";
    this.#owner.onTunnelFailed(cause, failure?.detail ?? "");
  }

  // ---- ResponseReceiver

  onInformational(): void {}

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (this.#over) return;
    this.#owner.onTunnelHeaders(headers);
    const { version } = this.#sender!;
    const { status } = headers;
    // As Envoy: RFC 9110 lets any 2xx agree, its HTTP/2 upstreams take 200 alone.
    const agreed = version === "HTTP/2" ? status === 200 : status >= 200 && status <= 299;
    if (!agreed || endStream) {
      this.cancel();
      this.#owner.onTunnelFailed("refused", `the tunnel was answered with ${status}`);
      return;
    }
    this.#handler = this.#owner.onTunnelReady(this.#local);
  }

  onResponseData(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return;
    if (chunk.length > 0) this.#handler?.onData(chunk);
    if (endStream) this.#endReading();
  }

  onResponseTrailers(trailers: TrailerMap): void {
    if (this.#over) return;
    this.#owner.onTunnelTrailers(trailers);
    this.#endReading();
  }

  onResponseReset(reason: StreamResetReason, details: string): void {
    if (this.#over) return;
    const handler = this.#handler;
    this.#finish();
    if (handler === undefined) this.#owner.onTunnelFailed("connect-failed", details);
    else handler.onClose({ kind: "reset", detail: `${reason} ${details}`.trim() });
  }

  onRequestDrain(): void {
    if (!this.#over) this.#handler?.onDrain();
  }

  #endReading(): void {
    this.#readEnded = true;
    this.#handler?.onEnd();
    // Half a connection of HTTP/1 is of no use: nothing says where the other half ends.
    if (this.#sender?.version !== "HTTP/2" && !this.#over) this.close();
    else this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#over || !this.#readEnded || !this.#writeEnded) return;
    const handler = this.#handler;
    this.#finish();
    handler?.onClose(undefined);
  }

  #finish(): void {
    this.#over = true;
    this.#cluster.releaseRequest();
    this.#host.activeRequests--;
    this.#pending = undefined;
    if (this.#sender === undefined) return;
    this.#cluster.stats.rqActive.dec();
    this.#host.stats.rqActive--;
  }
}

/** As Envoy writes them into filter state: a core.v3.HeaderMap. */
export function headersAsText(status: number | undefined, headers: HeaderMap): string {
  const fields = headers.toFields();
  const all = status === undefined ? [] : [{ key: ":status", value: String(status) }];
  for (let i = 0; i < fields.length; i += 2) all.push({ key: fields[i]!, value: fields[i + 1]! });
  return JSON.stringify({ headers: all });
}
