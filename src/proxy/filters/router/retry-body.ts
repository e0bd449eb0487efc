// What is kept of a request body so that a retry can send it again. Small chunks are copied together: a body that comes in chunks of one
// byte must not cost a buffer object a byte, nor hold the reads that it came in.
import { own } from "#proxy/net/read-buffer";

const SMALL_CHUNK_BYTES = 2048;
const FIRST_TAIL_BYTES = 2048;
const MAX_TAIL_BYTES = 65_536;

export class RetryBody {
  readonly #limitBytes: number;
  readonly #pieces: Uint8Array[] = [];
  /** Small chunks are appended here; what is written is never changed, so that views of it stay good. */
  #tail: Buffer | undefined;
  #tailStart = 0;
  #tailEnd = 0;
  #bytes = 0;
  #nextTailBytes = FIRST_TAIL_BYTES;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** False: it would be more than may be kept, and is not. */
  push(chunk: Uint8Array): boolean {
    if (this.#bytes + chunk.length > this.#limitBytes) return false;
    this.#bytes += chunk.length;
    if (chunk.length > SMALL_CHUNK_BYTES) {
      this.#closeRun();
      this.#pieces.push(own(chunk));
      return true;
    }
    if (this.#tail === undefined || this.#tailEnd + chunk.length > this.#tail.length) {
      this.#closeRun();
      this.#tail = Buffer.allocUnsafeSlow(this.#nextTailBytes);
      this.#nextTailBytes = Math.min(this.#nextTailBytes * 4, MAX_TAIL_BYTES);
      this.#tailStart = 0;
      this.#tailEnd = 0;
    }
    this.#tail.set(chunk, this.#tailEnd);
    this.#tailEnd += chunk.length;
    return true;
  }

  /** All so far, as it is now. */
  pieces(): Uint8Array[] {
    const run = this.#run();
    return run === undefined ? [...this.#pieces] : [...this.#pieces, run];
  }

  #run(): Uint8Array | undefined {
    return this.#tailEnd > this.#tailStart ? this.#tail?.subarray(this.#tailStart, this.#tailEnd) : undefined;
  }

  #closeRun(): void {
    const run = this.#run();
    if (run !== undefined) this.#pieces.push(run);
    this.#tailStart = this.#tailEnd;
  }
}
