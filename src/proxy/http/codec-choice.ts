// Which HTTP version a client speaks, where neither the configuration nor ALPN says so: who knows that we speak HTTP/2 begins with its
// preface (RFC 9113 3.3). Until that is told apart from a request line, this is the connection's codec.
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import type { ServerCodec, ServerCodecOwner } from "./server-codec.ts";

// No request line has this version, so that there is no need to wait for the rest. The length is Envoy's, too.
const PREFACE_START = Buffer.from("PRI * HTTP/2", "latin1");

const LF = 0x0a;

/** Undefined: neither. */
export type ChosenVersion = "HTTP/1" | "HTTP/2" | undefined;

/**
 * A first line of three words in capitals, as a preface is, but without a slash is no request, not even a bad one: a client that means
 * HTTP/2 and gets its preface wrong is told nothing by an answer in HTTP/1, and has to see the end of the connection (RFC 9113 3.4).
 * Other nonsense is told 400, as by Envoy.
 */
function isNoRequest(bytes: Buffer): boolean {
  const end = bytes.indexOf(LF);
  if (end < 0 || bytes.subarray(0, end).includes("/")) return false;
  return /^[A-Z]+ [A-Z*]+ [A-Z]+\r?$/.test(bytes.toString("latin1", 0, end));
}

export class CodecChoice implements ServerCodec, ConnectionHandler {
  closedByUs = false;
  readonly leftByClient = false;
  readonly #connection: Connection;
  readonly #owner: ServerCodecOwner;
  readonly #choose: (version: ChosenVersion) => void;
  /** The first bytes of a preface, or of a method such as POST. */
  #held: Buffer | undefined;

  /** `choose` makes a codec the connection's handler; it is given what came. */
  constructor(connection: Connection, owner: ServerCodecOwner, choose: (version: ChosenVersion) => void) {
    this.#connection = connection;
    this.#owner = owner;
    this.#choose = choose;
    connection.handler = this;
  }

  announceDrain(): void {}

  drain(): void {
    this.#close();
  }

  refuseSlowHead(): void {
    this.#close();
  }

  #close(): void {
    this.closedByUs = true;
    this.#connection.close("flush");
  }

  onData(chunk: Buffer): void {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const length = Math.min(bytes.length, PREFACE_START.length);
    const same = bytes.compare(PREFACE_START, 0, length, 0, length) === 0;
    if (same && length < PREFACE_START.length) {
      if (this.#held === undefined) this.#owner.onHeadBegun();
      this.#held = Buffer.from(bytes);
      return;
    }
    this.#held = undefined;
    if (!same && isNoRequest(bytes)) {
      this.#choose(undefined);
      this.#close();
      return;
    }
    this.#choose(same ? "HTTP/2" : "HTTP/1");
    this.#connection.handler.onData(bytes);
  }

  onEnd(): void {
    this.#connection.close("flush");
  }

  onDrain(): void {}

  onClose(failure: TransportFailure | undefined): void {
    this.#owner.onClosed(failure);
  }
}
