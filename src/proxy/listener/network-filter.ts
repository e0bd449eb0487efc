// Network filters: what a filter chain does with an accepted connection. Only terminal filters exist so far.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Connection, ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { ThreadContext } from "#proxy/thread-context";

export interface ConnectionContext {
  readonly connection: Connection;
  readonly info: ConnectionInfo;
  readonly listenerName: string;
  readonly direction: "INBOUND" | "OUTBOUND" | "UNSPECIFIED";
  /** Where the client meant to go, when that was restored; `info.local` is the same then. */
  readonly originalDestination: SocketAddress | undefined;
  /** The listener's per_connection_buffer_limit_bytes; undefined: not configured. */
  readonly bufferLimitBytes: number | undefined;
  /** Calls back when the listener drains: finish what is running, then close. */
  onDrain(begin: () => void): void;
}

/** Compiled once per filter chain. */
export interface NetworkFilterFactory {
  /** Application protocols that a TLS client must not be promised, because this filter does not speak them. */
  readonly unservedProtocols?: readonly string[];
  /** Takes the connection over: sets `connection.handler`. */
  accept(context: ConnectionContext): void;
  /** Its filter chain is gone and so is the last connection it accepted: gives its statistics back. */
  release?(): void;
}

export interface NetworkFilterCompiler {
  readonly configTypes: readonly string[];
  /** `thread` is undefined on the main thread, where a config is only checked. @throws ConfigError */
  compile(name: string, config: Any, path: string, thread: ThreadContext | undefined): NetworkFilterFactory;
}
