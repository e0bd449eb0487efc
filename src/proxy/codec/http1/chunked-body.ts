// The framing of a chunked body (RFC 9112 7.1), up to the end of its last chunk's line; trailers are scanned like a head.
// Its state survives any split of the input. Chunk extensions are read over and never forwarded.
import { CR, FIELD_VALUE, HEX_VALUE, LF, SEMICOLON } from "./characters.ts";
import { HTTP1_ERRORS } from "./http1-error.ts";
import type { Http1Error } from "./http1-error.ts";

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const LAST = 6;

/** Extension bytes of one message: nobody uses them but attackers. */
const MAX_EXTENSION_BYTES = 4096;
/** 2^53 is 14 digits; leading zeros are allowed, within reason. */
const MAX_SIZE_DIGITS = 16;

export class ChunkedBody {
  #state: number = SIZE;
  #digits = 0;
  #remaining = 0;
  #extensionBytes = 0;
  /** Set when `advance` returned -1. */
  error: Http1Error = HTTP1_ERRORS.chunkSize;

  reset(): void {
    this.#state = SIZE;
    this.#digits = 0;
    this.#remaining = 0;
    this.#extensionBytes = 0;
  }

  /** The last chunk's line has been read: trailers or the blank line follow. */
  get atTrailers(): boolean {
    return this.#state === LAST;
  }

  /** Chunk data bytes that may be taken now; 0 while framing bytes come. */
  get available(): number {
    return this.#state === DATA ? this.#remaining : 0;
  }

  /** `count` bytes of chunk data were taken. */
  take(count: number): void {
    this.#remaining -= count;
    if (this.#remaining === 0) this.#state = DATA_CR;
  }

  /** Reads framing bytes. Returns the position where data or trailers begin, or `end`; -1 with `error` set. */
  advance(bytes: Uint8Array, position: number, end: number): number {
    let i = position;
    while (i < end) {
      const byte = bytes[i]!;
      switch (this.#state) {
        case SIZE: {
          const digit = HEX_VALUE[byte]!;
          if (digit !== 255) {
            this.#remaining = this.#remaining * 16 + digit;
            if (++this.#digits > MAX_SIZE_DIGITS || this.#remaining > Number.MAX_SAFE_INTEGER) return this.#refuse(HTTP1_ERRORS.chunkSize);
          } else if (this.#digits === 0) return this.#refuse(HTTP1_ERRORS.chunkSize);
          else if (byte === CR) this.#state = SIZE_LF;
          else if (byte === SEMICOLON) this.#state = EXTENSION;
          else return this.#refuse(byte === LF ? HTTP1_ERRORS.bareLf : HTTP1_ERRORS.chunkSize);
          break;
        }
        case EXTENSION:
          if (byte === CR) this.#state = SIZE_LF;
          else if (FIELD_VALUE[byte] !== 1 || ++this.#extensionBytes > MAX_EXTENSION_BYTES)
            return this.#refuse(HTTP1_ERRORS.chunkExtension);
          break;
        case SIZE_LF:
          if (byte !== LF) return this.#refuse(HTTP1_ERRORS.bareCr);
          this.#digits = 0;
          if (this.#remaining === 0) {
            this.#state = LAST;
            return i + 1;
          }
          this.#state = DATA;
          return i + 1;
        case DATA_CR:
          if (byte !== CR) return this.#refuse(HTTP1_ERRORS.chunkEnd);
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (byte !== LF) return this.#refuse(HTTP1_ERRORS.chunkEnd);
          this.#state = SIZE;
          break;
        default:
          return i;
      }
      i++;
    }
    return i;
  }

  /**
   * Is the rest of the message here and as most senders write it: CRLF, `0`, CRLF, CRLF? Then the data before it is the last, which
   * spares the receiver a separate end.
   */
  endsAt(bytes: Uint8Array, position: number, end: number): boolean {
    return (
      this.#state === DATA_CR &&
      end - position >= 7 &&
      bytes[position] === CR &&
      bytes[position + 1] === LF &&
      bytes[position + 2] === 0x30 &&
      bytes[position + 3] === CR &&
      bytes[position + 4] === LF &&
      bytes[position + 5] === CR &&
      bytes[position + 6] === LF
    );
  }

  #refuse(error: Http1Error): number {
    this.error = error;
    return -1;
  }
}
