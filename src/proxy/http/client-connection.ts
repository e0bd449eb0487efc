// An upstream HTTP connection of either version, as the pool of its host sees it: how many streams it takes, and what becomes of them.
import type { Connection, TransportFailure } from "#proxy/net/connection";
import type { HttpVersion, RequestSender, ResponseReceiver } from "./stream.ts";

export interface HttpClientConnection {
  readonly connection: Connection;
  readonly version: HttpVersion;
  /** It takes no stream any more: its end is known, though `onClosed` may not have come. */
  readonly closed: boolean;
  /** The peer has ended its half. */
  readonly ended?: boolean;
  /** We end it while the peer would have kept it. */
  readonly closedByUs?: boolean;
  /** So many streams may run at once, as far as the peer has said by now. */
  readonly streamLimit: number;
  /** How long the peer keeps an idle connection, if it said so. */
  readonly keepAliveTimeoutMs: number | undefined;
  /** Only below the limit, and not when it is closed. */
  newStream(receiver: ResponseReceiver): RequestSender;
  /** Ends a connection without streams in order. */
  close(): void;
}

export interface HttpClientOwner {
  /** A stream is over. `reusable` false: the connection is closing for it. May start the next stream at once. */
  onStreamDone(client: HttpClientConnection, reusable: boolean): void;
  /** HTTP/2: the stream ended by a reset of its own, while the connection goes on. `onStreamDone` follows. */
  onStreamReset(client: HttpClientConnection, locally: boolean): void;
  /** A stream ends without its response because the connection does, or because it can end no other way. `locally`: we gave it up. */
  onStreamBroken(client: HttpClientConnection, locally: boolean): void;
  /** HTTP/2: the peer allows more or fewer streams than before. */
  onStreamLimit(client: HttpClientConnection): void;
  /** The peer wants no new streams (GOAWAY, `Connection: close`); those that run may end. */
  onGoAway(client: HttpClientConnection): void;
  /** The peer's bytes are not HTTP, or came when none were due. The connection closes. */
  onProtocolError(client: HttpClientConnection, details: string): void;
  /** Code of ours threw while it handled an event of this connection, which is closed. */
  onFault(fault: unknown): void;
  /** Last call. */
  onClosed(client: HttpClientConnection, failure: TransportFailure | undefined): void;
}
