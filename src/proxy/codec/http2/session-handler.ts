// What a session asks of the code around it.
import type { Http2Error } from "./error-code.ts";
import type { Http2Stream, Http2StreamHandler } from "./stream.ts";

export interface Http2Output {
  /** Takes the pieces, which do not change any more. False: the transport is over its limit; `session.onDrain()` follows. */
  write(pieces: readonly Uint8Array[]): boolean;
  /** Of what was written so far, bytes that still wait in this process. */
  readonly pendingBytes: number;
  /** There is something to send: `session.flush()` is due before the event loop turns. Said once until then. */
  onWritable(): void;
}

export interface Http2SessionHandler {
  /** Server: a request has come. What is returned gets `onHeaders` next, or `onReset` when its head is malformed or too large. */
  onStream(stream: Http2Stream): Http2StreamHandler;
  /** A stream is over, well or not, after its last event. Slots of `maxConcurrentStreams` are free again. */
  onStreamEnd(stream: Http2Stream): void;
  /** The peer's SETTINGS, and each change of them: `session.peerSettings`. */
  onSettings(): void;
  onPingAck(payload: number): void;
  /** The peer takes no more streams. Those above `lastStreamId` were reset with source "goaway". */
  onGoaway(lastStreamId: number, code: number): void;
  /** The peer broke the protocol or a limit: GOAWAY is written and all streams are reset; the connection is to be closed. */
  onSessionError(error: Http2Error): void;
}
