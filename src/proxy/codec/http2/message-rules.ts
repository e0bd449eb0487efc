// What a message may look like as a whole, beyond its fields (RFC 9113 8.1).
import type { Http2Error } from "./error-code.ts";
import { messagingError } from "./error-code.ts";
import type { BlockKind } from "./head-reader.ts";
import type { MessageHead } from "./message-head.ts";
import type { Http2Stream } from "./stream.ts";

export const LENGTH_MISMATCH = messagingError("the body is not as long as content-length says");
const UNFINISHED_TRAILERS = messagingError("trailers do not end the stream");
const INFORMATIONAL_END = messagingError("a 1xx response ends the stream");

/** What is wrong with a header block where it stands. */
export function blockError(stream: Http2Stream, kind: BlockKind, head: MessageHead, endStream: boolean): Http2Error | undefined {
  if (kind === "trailers") {
    if (!endStream) return UNFINISHED_TRAILERS;
    return stream.countBody(0, true) ? undefined : LENGTH_MISMATCH;
  }
  if (kind === "response" && head.status < 200) return endStream ? INFORMATIONAL_END : undefined;
  return endStream && head.contentLength > 0 && !mayLackBody(stream, head) ? LENGTH_MISMATCH : undefined;
}

/** Of these a content-length says nothing about the bytes that follow (RFC 9110 8.6 and 9.3.6). */
export function mayLackBody(stream: Http2Stream, head: MessageHead): boolean {
  return stream.bodiless || head.status === 304;
}
