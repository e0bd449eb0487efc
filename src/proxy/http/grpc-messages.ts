// Counts the messages in a gRPC body, whichever way it was cut into chunks: five bytes (a flag, the length) and the message.

const PREFIX_BYTES = 5;

export class GrpcMessageCounter {
  #prefixed = 0;
  #length = 0;
  #left = 0;

  /** Messages that began in the chunk. */
  push(chunk: Uint8Array): number {
    let begun = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      if (this.#prefixed === 0) {
        begun++;
        this.#length = 0;
      } else this.#length = this.#length * 256 + chunk[at]!;
      at++;
      this.#prefixed++;
      if (this.#prefixed < PREFIX_BYTES) continue;
      this.#prefixed = 0;
      this.#left = this.#length;
    }
    return begun;
  }
}
