// Bytes in, events out: the state machine of one direction of an HTTP/1 connection. It stops behind each message (pipelining: the owner
// decides when the next one may begin) and behind each head (the owner may have to act first, e.g. learn of an upgrade).
// It never allocates per byte or per chunk; heads in pieces are the exception.
import { CR, LF } from "./characters.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { INCOMPLETE, REFUSED, emptyHeadLines, removeKinds, scan, scanLines } from "./head-scanner.ts";
import type { HeadLines } from "./head-scanner.ts";
import { HTTP1_ERRORS } from "./http1-error.ts";
import type { Http1Error } from "./http1-error.ts";
import { NOT_IN_TRAILERS } from "./known-header.ts";
import { PartialHead } from "./partial-head.ts";

/** How the body of the current message ends. */
export type BodyFraming = "none" | "length" | "chunked" | "until-close" | "opaque";

/** Parses a start line and field lines; the two heads of RFC 9112 differ in no other way. */
export interface HeadReader {
  /** The position behind the head, INCOMPLETE, or REFUSED. */
  read(bytes: Buffer, start: number, end: number): number;
  refusal(): Http1Error;
  /** Framing of the body behind the head that was just read. */
  framing(): BodyFraming;
  contentLength(): number;
  /** Tells the owner. */
  emit(): void;
}

export interface MessageHandler {
  /** Bytes `start` to `end` of the chunk that `execute` was given. `last`: the message ends with them. */
  onBody(chunk: Buffer, start: number, end: number, last: boolean): void;
  /** Only where there are trailer lines; then the message is over. The lines are valid until the call returns. */
  onTrailers(lines: HeadLines): void;
  /** The message is over without data that was marked `last` and without trailers. Not called for messages without a body. */
  onBodyEnd(): void;
}

export interface MessageLimits {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
}

const START = 0;
const HEAD = 1;
const LENGTH = 2;
const CHUNKED = 3;
const TRAILERS = 4;
const UNTIL_CLOSE = 5;
const OPAQUE = 6;
const FAILED = 7;

export class MessageParser {
  readonly #reader: HeadReader;
  readonly #handler: MessageHandler;
  readonly #limits: MessageLimits;
  readonly #chunked = new ChunkedBody();
  readonly #trailers: HeadLines = emptyHeadLines();
  /** A server tolerates one empty line before a request (RFC 9112 2.2). */
  readonly #skipsEmptyLine: boolean;
  #state: number = START;
  #remaining = 0;
  #skipped = false;
  #partial: PartialHead | undefined;
  #error: Http1Error | undefined;

  constructor(reader: HeadReader, handler: MessageHandler, limits: MessageLimits, skipsEmptyLine: boolean) {
    this.#reader = reader;
    this.#handler = handler;
    this.#limits = limits;
    this.#skipsEmptyLine = skipsEmptyLine;
  }

  /** Set once bytes were refused; nothing is parsed any more. */
  get error(): Http1Error | undefined {
    return this.#error;
  }

  /** Between messages: no byte of the next one has come. */
  get idle(): boolean {
    return this.#state === START;
  }

  /** All bytes from now on are data: the protocol was switched. */
  becomeOpaque(): void {
    this.#state = OPAQUE;
  }

  /**
   * Consumes bytes up to the end of the chunk, of a head, or of a message, whichever comes first, and returns how many. Returns fewer
   * bytes than it was given also where it failed: `error` tells.
   */
  execute(chunk: Buffer, start: number, end: number): number {
    switch (this.#state) {
      case START:
      case HEAD:
        return this.#head(chunk, start, end) - start;
      case LENGTH:
        return this.#length(chunk, start, end) - start;
      case CHUNKED:
        return this.#chunks(chunk, start, end) - start;
      case TRAILERS:
        return this.#trailerLines(chunk, start, end) - start;
      case UNTIL_CLOSE:
      case OPAQUE:
        if (end > start) this.#handler.onBody(chunk, start, end, false);
        return end - start;
      default:
        return 0;
    }
  }

  /** The peer ended. Undefined when that is the right end of a message or lies between two; else what is missing. */
  finish(): Http1Error | undefined {
    switch (this.#state) {
      case START:
      case FAILED:
        return undefined;
      case UNTIL_CLOSE:
      case OPAQUE:
        this.#next();
        this.#handler.onBodyEnd();
        return undefined;
      default:
        return this.#fail(HTTP1_ERRORS.truncated);
    }
  }

  #fail(error: Http1Error): Http1Error {
    this.#error = error;
    this.#state = FAILED;
    this.#partial = undefined;
    return error;
  }

  #next(): void {
    this.#state = START;
    this.#skipped = false;
  }

  #head(chunk: Buffer, start: number, end: number): number {
    let from = start;
    const partial = this.#partial;
    if (partial === undefined) {
      if (from === end) return from;
      if (chunk[from] === CR && this.#skipsEmptyLine && !this.#skipped) {
        if (from + 1 === end) return this.#keep(chunk, from, end);
        if (chunk[from + 1] !== LF) {
          this.#fail(HTTP1_ERRORS.bareCr);
          return from;
        }
        this.#skipped = true;
        from += 2;
        if (from === end) return from;
      }
      return this.#readHead(chunk, from, end, 0, start, end);
    }
    // One byte over the limit is enough to know; the rest of the chunk stays where it is.
    const room = this.#limits.maxHeadBytes + 3 - partial.length;
    const taken = Math.min(end, start + Math.max(room, 0));
    const before = partial.length;
    const lineEnded = partial.append(chunk, start, taken);
    if (!lineEnded && partial.length <= this.#limits.maxHeadBytes) return taken;
    let offset = 0;
    if (partial.bytes[0] === CR && this.#skipsEmptyLine && !this.#skipped && this.#state === HEAD && partial.length > 1) {
      if (partial.bytes[1] !== LF) {
        this.#fail(HTTP1_ERRORS.bareCr);
        return start;
      }
      offset = 2;
      if (partial.length === 2) {
        this.#partial = undefined;
        this.#state = START;
        this.#skipped = true;
        return taken;
      }
    }
    return this.#readHead(partial.bytes, offset, partial.length, before, start, taken);
  }

  /** Reads a head from `bytes`, of which `before` bytes came with earlier chunks; the present chunk's part is `start` to `end`. */
  #readHead(bytes: Buffer, from: number, to: number, before: number, start: number, end: number): number {
    const inPartial = this.#partial !== undefined;
    const reader = this.#reader;
    const next = reader.read(bytes, from, to);
    if (next === REFUSED) {
      this.#fail(reader.refusal());
      return start;
    }
    if (next === INCOMPLETE) {
      if (to - from > this.#limits.maxHeadBytes) {
        this.#fail(HTTP1_ERRORS.headTooLarge);
        return start;
      }
      return inPartial ? end : this.#keep(bytes, from, end);
    }
    this.#partial = undefined;
    this.#startBody(reader);
    return inPartial ? start + (next - before) : next;
  }

  #keep(chunk: Buffer, start: number, end: number): number {
    this.#state = HEAD;
    this.#partial = new PartialHead(Math.max(1024, end - start));
    this.#partial.append(chunk, start, end);
    return end;
  }

  #startBody(reader: HeadReader): void {
    switch (reader.framing()) {
      case "none":
        this.#next();
        break;
      case "length":
        this.#remaining = reader.contentLength();
        this.#state = LENGTH;
        break;
      case "chunked":
        this.#chunked.reset();
        this.#state = CHUNKED;
        break;
      case "until-close":
        this.#state = UNTIL_CLOSE;
        break;
      case "opaque":
        this.#state = OPAQUE;
        break;
    }
    // The state is set before the owner is told: it may make the rest opaque at once.
    reader.emit();
  }

  #length(chunk: Buffer, start: number, end: number): number {
    const available = end - start;
    if (available === 0) return start;
    if (available < this.#remaining) {
      this.#remaining -= available;
      this.#handler.onBody(chunk, start, end, false);
      return end;
    }
    const next = start + this.#remaining;
    this.#remaining = 0;
    this.#next();
    this.#handler.onBody(chunk, start, next, true);
    return next;
  }

  #chunks(chunk: Buffer, start: number, end: number): number {
    const body = this.#chunked;
    let position = start;
    while (position < end) {
      if (body.available === 0) {
        position = body.advance(chunk, position, end);
        if (position === -1) {
          this.#fail(body.error);
          return start;
        }
        if (body.atTrailers) {
          this.#state = TRAILERS;
          return this.#trailerLines(chunk, position, end);
        }
        continue;
      }
      const dataStart = position;
      position += Math.min(body.available, end - position);
      body.take(position - dataStart);
      if (body.endsAt(chunk, position, end)) {
        this.#next();
        this.#handler.onBody(chunk, dataStart, position, true);
        return position + 7;
      }
      this.#handler.onBody(chunk, dataStart, position, false);
    }
    return position;
  }

  #trailerLines(chunk: Buffer, start: number, end: number): number {
    if (start === end) return end;
    let bytes = chunk;
    let to = end;
    let before = 0;
    let from = start;
    let taken = end;
    const partial = this.#partial;
    if (partial !== undefined) {
      before = partial.length;
      taken = Math.min(end, start + this.#limits.maxHeadBytes + 3 - before);
      const lineEnded = partial.append(chunk, start, taken);
      if (!lineEnded && partial.length <= this.#limits.maxHeadBytes) return taken;
      bytes = partial.bytes;
      from = 0;
      to = partial.length;
    }
    const next = scanLines(bytes, from, to, from, this.#limits.maxHeaders, this.#trailers);
    if (next === REFUSED) {
      this.#fail(scan.error === HTTP1_ERRORS.tooManyHeaders ? HTTP1_ERRORS.tooManyTrailers : scan.error);
      return start;
    }
    if (next === INCOMPLETE) {
      if (to - from > this.#limits.maxHeadBytes) {
        this.#fail(HTTP1_ERRORS.trailersTooLarge);
        return start;
      }
      if (partial !== undefined) return taken;
      this.#partial = new PartialHead(Math.max(256, end - start));
      this.#partial.append(chunk, start, end);
      return end;
    }
    if (next - from > this.#limits.maxHeadBytes) {
      this.#fail(HTTP1_ERRORS.trailersTooLarge);
      return start;
    }
    const kinds = scan.kinds;
    const consumed = partial === undefined ? next : start + (next - before);
    this.#partial = undefined;
    this.#next();
    const lines = this.#trailers;
    if (lines.lineCount > 0) {
      lines.text = bytes.toString("latin1", from, next - 2);
      if ((kinds & NOT_IN_TRAILERS) !== 0) removeKinds(lines, NOT_IN_TRAILERS);
    }
    if (lines.lineCount === lines.removed) this.#handler.onBodyEnd();
    else this.#handler.onTrailers(lines);
    return consumed;
  }
}
