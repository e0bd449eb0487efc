// One end of a connection that a test holds in its hands: what it says, what it hears, and how it breaks off.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { eventually } from "../../harness/mesh.ts";

const PATIENCE_MS = 5_000;

export class Peer {
  readonly socket: Socket;
  /** What carries it, where it speaks TLS. */
  readonly carrier: Socket;
  /** How the proxy ended the connection, as far as it did. */
  ended: "open" | "end" | "reset" = "open";
  /** It was we who ended it. */
  broke = false;
  #received: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(socket: Socket, carrier = socket) {
    this.socket = socket;
    this.carrier = carrier;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      // Large bodies are counted, not kept.
      if (this.#received.length < 100_000) this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on("end", () => {
      if (this.ended === "open") this.ended = "end";
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") this.ended = "reset";
    });
  }

  /** `secure`: what it speaks over. */
  static open(port: number, secure?: (carrier: Socket) => Socket): Promise<Peer> {
    return new Promise((done, fail) => {
      const carrier = connect({ host: "127.0.0.1", port, allowHalfOpen: true }, () =>
        done(new Peer(secure === undefined ? carrier : secure(carrier), carrier)),
      );
      carrier.once("error", fail);
    });
  }

  get received(): Buffer {
    return this.#received;
  }
  get text(): string {
    return this.#received.toString("latin1");
  }
  get bytes(): number {
    return this.#bytes;
  }

  say(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  hears(part: string, times = 1): Promise<true> {
    return this.#until(`${JSON.stringify(part)}, ${times} times`, () => this.text.split(part).length > times);
  }

  isEnded(): Promise<true> {
    return this.#until("the end of the connection", () => this.ended !== "open");
  }

  /** The proxy has taken everything that was said. */
  isHeard(): Promise<true> {
    const { localPort = 0, remotePort = 0 } = this.carrier;
    const [near, far] = [localPort, remotePort].map((port) => port.toString(16).toUpperCase().padStart(4, "0")) as [string, string];
    const quiet = (from: string, to: string): boolean => {
      const line = sockets().find(([local, remote]) => local?.endsWith(`:${from}`) === true && remote?.endsWith(`:${to}`) === true);
      return line === undefined || line[3] === "00000000:00000000";
    };
    return this.#until("the proxy reads", () => this.socket.writableLength === 0 && quiet(near, far) && quiet(far, near));
  }

  /** Ends our half. */
  end(): void {
    this.socket.end();
  }

  /** The same, and TLS is told nothing of it. */
  cut(): void {
    this.broke = true;
    this.carrier.destroy();
  }

  /** What a process does that dies: both halves at once, with RST where bytes wait unread. */
  close(): void {
    this.broke = true;
    this.socket.destroy();
  }

  reset(): void {
    this.broke = true;
    this.carrier.resetAndDestroy();
  }

  async #until(what: string, condition: () => boolean): Promise<true> {
    return eventually(what, PATIENCE_MS, () => (condition() ? true : undefined));
  }
}

/** Local address, remote address, state, queues: what the kernel says of each TCP connection. */
function sockets(): string[][] {
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/).slice(1, 5));
}
