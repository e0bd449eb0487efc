// Opening upstream connections.
import type { Connection, SocketAddress, TransportFailure } from "./connection.ts";

export interface ConnectCallbacks {
  /** The callee sets `connection.handler` before it returns. */
  onConnected(connection: Connection): void;
  onConnectFailed(failure: TransportFailure): void;
}

export interface PendingConnect {
  /** No callback comes after it. */
  cancel(): void;
}

export interface Connector {
  /** One callback, never before this call returned. `connectTimeoutMs` 0: none. */
  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks): PendingConnect;
}
