// grpc-web-text: the same messages in base64, for browsers that can only read text as it comes.

const PREFIX_BYTES = 5;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export type DecodeFailure = "bad_size" | "bad_data";

/** A request's body. Padding ends it: what browsers send is one base64 text. */
export class TextDecoder64 {
  #rest = "";

  /** The bytes of all whole groups of four characters so far. */
  push(chunk: Buffer, end: boolean): Buffer | DecodeFailure {
    const text = this.#rest + chunk.toString("latin1");
    if (end && text.length % 4 !== 0) return "bad_size";
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    const group = text.slice(0, whole);
    return BASE64.test(group) ? Buffer.from(group, "base64") : "bad_data";
  }
}

/** A response's body: each message is encoded for itself, so that it can be read as soon as it is there. */
export class MessageEncoder64 {
  readonly #limitBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The text of the messages that are complete; undefined: one is larger than may be held back. */
  push(chunk: Buffer): Buffer | undefined {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    let text = "";
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined || length > this.#heldBytes) break;
      const all = Buffer.concat(this.#held);
      text += all.toString("base64", 0, length);
      this.#held = [all.subarray(length)];
      this.#heldBytes = all.length - length;
    }
    return this.#heldBytes > this.#limitBytes ? undefined : Buffer.from(text, "latin1");
  }

  /** Of the first message that is held, with its prefix. */
  #nextLength(): number | undefined {
    if (this.#heldBytes < PREFIX_BYTES) return undefined;
    if (this.#held[0]!.length < PREFIX_BYTES) this.#held = [Buffer.concat(this.#held)];
    return PREFIX_BYTES + this.#held[0]!.readUInt32BE(1);
  }
}
