// Network filters: what a filter chain does with an accepted connection. All but the last only decide whether it goes on, and what the
// last one is told.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Connection, ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { StreamRecord } from "#proxy/http/stream-record";
import type { ThreadContext } from "#proxy/thread-context";

export interface ConnectionContext {
  readonly connection: Connection;
  readonly info: ConnectionInfo;
  readonly listenerName: string;
  readonly direction: "INBOUND" | "OUTBOUND" | "UNSPECIFIED";
  /** The listener's drain_type MODIFY_ONLY: failed health checks of the proxy do not drain it. */
  readonly modifyOnly?: boolean;
  /** Where the client meant to go, when that was restored; `info.local` is the same then. */
  readonly originalDestination: SocketAddress | undefined;
  /** The listener's per_connection_buffer_limit_bytes; undefined: not configured. */
  readonly bufferLimitBytes: number | undefined;
  /** What the last filter knows of the connection, where it is the whole of its work: the listener's access log tells of it, too. */
  streamInfo: StreamRecord | undefined;
  /** What an earlier filter chose in the place of the TCP proxy's own cluster (Envoy's filter state envoy.tcp_proxy.cluster). */
  tcpProxyCluster: string | undefined;
  /** Calls back when the listener drains: finish what is running, then close. */
  onDrain(begin: () => void): void;
  /** Calls back when the connection is gone. */
  onClosed(callback: () => void): void;
}

/** The last filter of a chain, compiled once per filter chain. */
export interface NetworkFilterFactory {
  /** Application protocols that a TLS client must not be promised, because this filter does not speak them. */
  readonly unservedProtocols?: readonly string[];
  /** Takes the connection over: sets `connection.handler`. */
  accept(context: ConnectionContext): void;
  /** Its filter chain is gone and so is the last connection it accepted: gives its statistics back. */
  release?(): void;
}

/** A filter that stands before the last one. */
export interface ConnectionFilterFactory {
  /** `delayMs`: the connection that is closed is held for so long first. */
  onNewConnection(context: ConnectionContext): "continue" | "close" | { readonly closeAfterMs: number };
  release?(): void;
}

export interface NetworkFilterCompiler {
  readonly configTypes: readonly string[];
  /** `thread` is undefined on the main thread, where a config is only checked. @throws ConfigError */
  compile(name: string, config: Any, path: string, thread: ThreadContext | undefined): NetworkFilterFactory | ConnectionFilterFactory;
}

export function isTerminalFilter(factory: NetworkFilterFactory | ConnectionFilterFactory): factory is NetworkFilterFactory {
  return "accept" in factory;
}
