// What a downstream connection and the codec on it are to each other, whichever HTTP version it speaks. Timers are the connection's.
import type { TransportFailure } from "#proxy/net/connection";
import type { HttpVersion, RequestReceiver, ResponseSender } from "./stream.ts";

/** The response side of one request. */
export interface ServerStream extends ResponseSender {
  readonly httpVersion: HttpVersion;
  /** HTTP/1: the connection closes after this response, whatever the client wants. HTTP/2 can be rid of one stream alone. */
  closeAfterResponse(): void;
}

export interface ServerCodec {
  /** We closed it, not the client. */
  readonly closedByUs: boolean;
  /** The client closed it before it had its answers. */
  readonly leftByClient: boolean;
  /** Tells the client to send no more requests here. Those that are on their way are served until `drain`. */
  announceDrain(): void;
  /** No new requests: an idle connection closes now, a busy one when what runs is answered. */
  drain(): void;
  /** The head that has begun takes too long. */
  refuseSlowHead(): void;
}

export interface ServerCodecOwner {
  /** A request's head is complete. The receiver's onRequestHeaders is the next call. */
  newStream(sender: ServerStream): RequestReceiver;
  /** The first byte of a request has come, and not all of its head. A new connection is idle. */
  onHeadBegun(): void;
  /** The last response is out and the connection waits for requests. */
  onIdle(): void;
  /** Code of ours threw while it handled an event of this connection, which is closed. */
  onFault(fault: unknown): void;
  /** Last call. */
  onClosed(failure: TransportFailure | undefined): void;
}
