// A transport connection as the rest of the proxy sees it: no sockets, no ECONNRESET, no EventEmitter. net/ is the only maker.
//
// Buffer ownership: a chunk given to `onData` is lent until the callback returns: the next read of any connection may land in the same
// memory. It can be passed on as it is; whoever holds on to it asks `own` (read-buffer.ts) for bytes that stay. In poison mode the bytes
// are overwritten after the callback, so that whoever keeps a view without asking is found.

import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { Tlv } from "#proxy/codec/proxy-protocol/tlv";
import type { FilterState } from "#proxy/http/filter-state";
import type { TlsInfo } from "./tls-info.ts";

/** What ended a connection that did not end well. `detail` is for logs and transport-failure reasons; never matched on. */
/** `local`: this machine did not let the connection begin. */
export interface TransportFailure {
  readonly kind: "connect-refused" | "connect-timeout" | "connect-failed" | "local" | "reset" | "io-error" | "tls-failed";
  readonly detail: string;
}

export interface SocketAddress {
  /** An IP literal, or the path of a unix socket: see socket-address.ts. */
  readonly address: string;
  readonly port: number;
}

/** Who is at the two ends of an accepted connection, as far as its listener found out. */
export interface ConnectionInfo {
  /** Where the client meant to go: the original destination where that was restored. */
  readonly local: SocketAddress;
  /** The client, which a balancer in front may have named. */
  readonly remote: SocketAddress;
  /** The peer of the socket. */
  readonly directRemote: SocketAddress;
  readonly requestedServerName: string | undefined;
  /** Undefined: plain text. */
  readonly tls: TlsInfo | undefined;
  /** JA3's hash of the ClientHello, where somebody asked for it. */
  readonly ja3Fingerprint?: string | undefined;
  /** What network filters left for everything that comes later on this connection. */
  filterState?: FilterState | undefined;
  /** What filters said of it. Streams of HTTP have metadata of their own. */
  dynamicMetadata?: DynamicMetadata | undefined;
  /** What a PROXY protocol header said besides addresses, as far as it is to be passed on. */
  readonly proxyProtocolTlvs?: readonly Tlv[] | undefined;
}

export interface ConnectionHandler {
  /** See the note on ownership at the top of the file. */
  onData(chunk: Buffer): void;
  /** The peer has sent its last byte; ours may still go out (half-close). */
  onEnd(): void;
  /** True: what a peer sent before it reset is of no use, so that its reset is looked for also while reading is paused. */
  readonly resetIsLoss?: boolean;
  /** Everything written has left after a `write` that returned false. */
  onDrain(): void;
  /** Last call. `failure` is undefined when both sides ended in order or we closed. */
  onClose(failure: TransportFailure | undefined): void;
}

export interface Connection {
  readonly id: number;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Milliseconds, monotonic: when it was accepted or connected. */
  readonly startMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Set by whoever takes the connection over; exactly one handler at a time. */
  handler: ConnectionHandler;
  /** `write` says false from this many bytes on that wait to be sent (Envoy's per_connection_buffer_limit_bytes). */
  bufferLimitBytes: number;
  /** How long a `flush` close waits for progress or the peer's own end; 0: it does not wait once all has been sent. */
  delayedCloseMs: number;
  /** A `flush` close was cut short by `delayedCloseMs`. */
  readonly delayedCloseExpired: boolean;
  /**
   * Sends text whose characters are all below 256 (a head, with a small body behind it) or bytes: lent ones, or such that do not change until `onDrain`
   * or close. False: over `bufferLimitBytes`, wait for `onDrain`. The data is taken in either case.
   */
  write(data: string | Uint8Array): boolean;
  /** A head and body bytes in one system call where the transport can. */
  writeBoth(head: string, body: Uint8Array): boolean;
  /** Several buffers in one system call where the transport can. */
  writeAll(pieces: readonly Uint8Array[]): boolean;
  /** Of what was written, bytes that still wait in this process. */
  readonly pendingBytes: number;
  /** Stop and go on reading. Calls are counted per cause: reading goes on when no cause is left. */
  pauseReading(cause: PauseCause): void;
  resumeReading(cause: PauseCause): void;
  /** Ends our side after what is pending has left; the other side may still send. */
  end(): void;
  /** `flush`: close both sides once pending bytes have left (or after `delayedCloseMs`); `now`: at once; `reset`: at once with RST. */
  close(mode: "flush" | "now" | "reset"): void;
}

/** Who keeps count of a connection, whoever handles it. */
export interface ConnectionOwner {
  /** It is gone, whoever closed it; after the handler's own `onClose`. */
  onConnectionClosed(): void;
}

export type PauseCause = "backpressure" | "pipelined" | "filter" | "upstream-not-ready";
