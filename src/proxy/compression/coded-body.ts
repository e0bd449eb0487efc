// One message's body on its way through a compression library: chunks in, changed chunks out to the filters behind, trailers after them.
// zlib works on threads of its own; while it has enough to do the message is paused.
import type { Transform } from "node:stream";
import type { PartSink } from "#proxy/http/filter";
import type { TrailerMap } from "#proxy/http/header-map";

/** Input that a ratio is not held against: short inputs may well grow more. */
const FREE_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

export interface CodedBodyOwner {
  onCoded(inBytes: number, outBytes: number): void;
  /** The input is not what the library takes, or grows too much. Nothing comes after it. */
  onBroken(error: Error): void;
  /** What comes behind the body; undefined: nothing. */
  trailers(received: TrailerMap | undefined): TrailerMap | undefined;
}

export class CodedBody<Headers> {
  readonly #coder: Transform;
  readonly #onward: PartSink<Headers>;
  readonly #owner: CodedBodyOwner;
  readonly #maxRatio: number;
  #trailers: TrailerMap | undefined;
  #inBytes = 0;
  #outBytes = 0;
  #over = false;

  /** `maxRatio` 0: the output may be as long as it is. */
  constructor(coder: Transform, maxRatio: number, onward: PartSink<Headers>, owner: CodedBodyOwner) {
    this.#coder = coder;
    this.#maxRatio = maxRatio;
    this.#onward = onward;
    this.#owner = owner;
    coder.on("data", (chunk: Buffer) => this.#onOutput(chunk));
    coder.on("end", () => this.#onEnd());
    coder.on("error", (error) => this.#break(error));
    coder.on("drain", () => {
      if (!this.#over) onward.pause(false);
    });
  }

  write(chunk: Buffer, endStream: boolean): void {
    if (this.#over) return;
    this.#inBytes += chunk.length;
    this.#owner.onCoded(chunk.length, 0);
    const goOn = chunk.length === 0 || this.#coder.write(chunk);
    if (endStream) this.#coder.end();
    else if (!goOn) this.#onward.pause(true);
  }

  end(trailers: TrailerMap): void {
    if (this.#over) return;
    this.#trailers = trailers;
    this.#coder.end();
  }

  /** The stream is over. */
  destroy(): void {
    this.#over = true;
    this.#coder.destroy();
  }

  #onOutput(chunk: Buffer): void {
    if (this.#over) return;
    this.#outBytes += chunk.length;
    if (this.#maxRatio > 0 && this.#outBytes > Math.max(this.#inBytes, FREE_BYTES) * this.#maxRatio) {
      this.#break(new Error(`the body became more than ${this.#maxRatio} times as long`));
      return;
    }
    this.#owner.onCoded(0, chunk.length);
    this.#onward.push({ kind: "data", chunk, endStream: false });
  }

  #onEnd(): void {
    if (this.#over) return;
    this.#over = true;
    const trailers = this.#owner.trailers(this.#trailers);
    this.#onward.push(trailers === undefined ? { kind: "data", chunk: EMPTY, endStream: true } : { kind: "trailers", trailers });
  }

  #break(error: Error): void {
    if (this.#over) return;
    this.destroy();
    this.#owner.onBroken(error);
  }
}
