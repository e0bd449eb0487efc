// Opening upstream connections.
import type { Connection, SocketAddress, TransportFailure } from "./connection.ts";
import type { SocketOption } from "./socket-option.ts";
import type { TlsInfo } from "./tls-info.ts";
import type { ClientHandshakeOptions, HandshakeFailure, HandshakeResult } from "./tls-handshake.ts";

export interface ConnectCallbacks {
  /** The callee sets `connection.handler` before it returns. `tls` undefined: the connection is plain. */
  onConnected(connection: Connection, tls: TlsInfo | undefined): void;
  onConnectFailed(failure: TransportFailure): void;
}

export interface PendingConnect {
  /** No callback comes after it. */
  cancel(): void;
}

export interface ClientTls extends ClientHandshakeOptions {
  /** Why the server's certificate is not good enough; undefined: it is. */
  judge(result: HandshakeResult): string | undefined;
  onFailed(failure: HandshakeFailure): void;
}

/** TCP's own probes of a connection on which nothing happens. */
export interface TcpKeepalive {
  readonly idleMs: number;
  readonly intervalMs: number;
  readonly probes: number;
}

/** Where a connection begins. */
export interface ConnectSource {
  /** Undefined: the kernel's choice, as its port always is. */
  readonly address: string | undefined;
  readonly options: readonly SocketOption[];
}

export interface ConnectOptions {
  readonly source?: ConnectSource | undefined;
  readonly keepalive?: TcpKeepalive | undefined;
  /** Sent first, in plain text. `own`: the addresses of the connection itself. */
  readonly preamble?: (own: { readonly source: SocketAddress; readonly destination: SocketAddress }) => Uint8Array;
  readonly tls?: ClientTls;
}

export interface Connector {
  /** One callback, never before this call returned. `connectTimeoutMs` 0: none; it covers the TLS handshake too. */
  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks, options?: ConnectOptions): PendingConnect;
}
