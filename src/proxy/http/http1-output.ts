// The way out of an HTTP/1 connection: texts are joined into one string, with one small body behind it or several in it; large bodies go as they are.
import { LAST_CHUNK, chunkSizeLine } from "#proxy/codec/http1/head-text";
import type { Connection } from "#proxy/net/connection";
import { enlist, isOuterBatch } from "./write-batch.ts";
import type { BatchedWriter } from "./write-batch.ts";

/** Up to here copying a body into the text costs less than a second buffer in the write. */
const SMALL_BODY_BYTES = 16_384;
/** Text that waits for the end of a batch; a larger one leaves before. */
const MAX_HELD_CHARACTERS = 65_536;

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

export class Http1Output implements BatchedWriter {
  readonly #connection: Connection;
  #held = "";
  /** A small body behind what is held, as it was lent. */
  #body: Uint8Array | undefined;
  #enlisted = false;
  #blocked = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** False: over the watermark, wait for the connection's drain. */
  text(text: string): boolean {
    this.#join();
    this.#held += text;
    return this.#settle();
  }

  /** Part of a body. */
  bytes(bytes: Uint8Array): boolean {
    return bytes.length === 0 ? true : this.#framed("", bytes, "");
  }

  /** The same as a chunk; an empty one would end the body, so it is left out before the last. */
  chunk(bytes: Uint8Array, last: boolean): boolean {
    if (bytes.length > 0) return this.#framed(chunkSizeLine(bytes.length), bytes, last ? `\r\n${LAST_CHUNK}` : "\r\n");
    return last ? this.text(LAST_CHUNK) : true;
  }

  #framed(before: string, bytes: Uint8Array, after: string): boolean {
    this.#join();
    if (bytes.length <= SMALL_BODY_BYTES) {
      this.#held += before;
      if (after === "" && isOuterBatch()) this.#body = bytes;
      else {
        this.#held += latin1(bytes);
        this.#held += after;
      }
      return this.#settle();
    }
    const head = this.#held + before;
    this.#held = "";
    const flowing = head === "" ? this.#connection.write(bytes) : this.#connection.writeBoth(head, bytes);
    if (!flowing) this.#blocked = true;
    if (after === "") return !this.#blocked;
    this.#held = after;
    return this.#settle();
  }

  #join(): void {
    const body = this.#body;
    if (body === undefined) return;
    this.#body = undefined;
    this.#held += latin1(body);
  }

  #settle(): boolean {
    if (this.#enlisted) {
      if (this.#held.length > MAX_HELD_CHARACTERS) this.#write();
    } else if (enlist(this)) this.#enlisted = true;
    else this.#write();
    return !this.#blocked;
  }

  #write(): void {
    const text = this.#held;
    const body = this.#body;
    if (text === "" && body === undefined) return;
    this.#held = "";
    this.#body = undefined;
    const flowing = body === undefined ? this.#connection.write(text) : this.#connection.writeBoth(text, body);
    if (!flowing) this.#blocked = true;
  }

  /** At the end of a batch, and before the connection is ended or closed. */
  flush(): void {
    this.#enlisted = false;
    this.#write();
  }

  /** Sends what is held without leaving the batch. */
  flushNow(): void {
    this.#write();
  }

  /** Forgets what is held: the connection is gone. */
  discard(): void {
    this.#held = "";
    this.#body = undefined;
  }

  onDrain(): void {
    this.#blocked = false;
  }
}
