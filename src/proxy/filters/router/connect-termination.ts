// The end of a tunnel: the body of a CONNECT (or of a POST where the route takes one for it) is the bytes of a TCP connection to the host,
// and what the host sends is the body of the answer. Such a connection is the request's own: no pool keeps it.
import type {
  Cluster,
  Host,
  HttpConnectionPool,
  PendingStream,
  PoolCallbacks,
  TcpConnectionPool,
  UsedConnection,
} from "#proxy/cluster/cluster";
import { writeProxyProtocolHeader } from "#proxy/codec/proxy-protocol/write-header";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestSender, ResponseReceiver } from "#proxy/http/stream";
import type { Connection, ConnectionHandler, ConnectionInfo, TransportFailure } from "#proxy/net/connection";
import type { ConnectConfig } from "#proxy/route/route";

const NOTHING = Buffer.alloc(0);

/** Undefined: the request goes to the host as it is. */
export function terminatedTunnel(
  config: ConnectConfig | undefined,
  { method }: RequestHeaderMap,
  cluster: Cluster,
  host: Host,
  downstream: ConnectionInfo,
): Pick<HttpConnectionPool, "newStream"> | undefined {
  if (config === undefined) return undefined;
  if (method !== "CONNECT" && !(config.allowPost && method === "POST")) return undefined;
  const preamble =
    config.proxyProtocol === undefined
      ? undefined
      : writeProxyProtocolHeader(config.proxyProtocol, { source: downstream.remote, destination: downstream.local });
  return {
    newStream: (receiver, callbacks) => new TunnelEnd(receiver, preamble).start(cluster.tcpPool(host, downstream), host, callbacks),
  };
}

class TunnelEnd implements RequestSender, ConnectionHandler {
  readonly version = undefined;
  readonly #receiver: ResponseReceiver;
  readonly #preamble: Uint8Array | undefined;
  #connection: Connection | undefined;
  #used: UsedConnection | undefined;
  /** Nothing of it is told any more. */
  #over = false;
  #readEnded = false;
  #writeEnded = false;
  /** The host ended it last. */
  #remotely = false;

  constructor(receiver: ResponseReceiver, preamble: Uint8Array | undefined) {
    this.#receiver = receiver;
    this.#preamble = preamble;
  }

  start(pool: TcpConnectionPool, host: Host, callbacks: PoolCallbacks): PendingStream | undefined {
    return pool.newConnection({
      onPoolReady: (connection, used) => {
        this.#connection = connection;
        this.#used = used;
        connection.handler = this;
        callbacks.onPoolReady(this, host, connection.local, false);
      },
      onPoolFailure: (reason, failure) => callbacks.onPoolFailure(reason, failure, host),
    });
  }

  // ---- RequestSender

  sendHeaders(_headers: RequestHeaderMap, endStream: boolean): void {
    if (this.#over) return;
    if (this.#preamble !== undefined) this.#connection!.write(this.#preamble);
    if (endStream) this.#endWriting();
    // The host has nothing to say to a head that it does not get: that it took the connection is the answer.
    this.#receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
  }

  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    if (this.#over || this.#writeEnded) return true;
    const flowing = chunk.length === 0 || this.#connection!.write(chunk);
    if (endStream) this.#endWriting();
    return flowing;
  }

  sendTrailers(): void {
    if (!this.#over && !this.#writeEnded) this.#endWriting();
  }

  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection!.close("now");
  }

  pauseReading(): void {
    if (!this.#over) this.#connection!.pauseReading("backpressure");
  }

  resumeReading(): void {
    if (!this.#over) this.#connection!.resumeReading("backpressure");
  }

  #endWriting(): void {
    this.#writeEnded = true;
    if (this.#readEnded) this.#connection!.close("flush");
    else this.#connection!.end();
  }

  // ---- ConnectionHandler

  onData(chunk: Buffer): void {
    if (!this.#over) this.#receiver.onResponseData(chunk, false);
  }

  onEnd(): void {
    this.#readEnded = true;
    if (this.#over) return;
    if (this.#writeEnded) {
      this.#over = true;
      this.#remotely = true;
      this.#connection!.close("flush");
    }
    this.#receiver.onResponseData(NOTHING, true);
  }

  onDrain(): void {
    if (!this.#over) this.#receiver.onRequestDrain();
  }

  onClose(failure: TransportFailure | undefined): void {
    this.#used!.closed(this.#remotely || failure !== undefined);
    if (this.#over) return;
    this.#over = true;
    if (!this.#readEnded) this.#receiver.onResponseReset("connection-termination", failure?.detail ?? "");
  }
}
