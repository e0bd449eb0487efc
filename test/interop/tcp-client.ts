// A TCP client that can end its half alone, and sees how far its peer came.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { eventually } from "../harness/mesh.ts";

export class TcpClient {
  got = "";
  /** The peer has ended or broken the connection. */
  over = false;
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.#socket.on("data", (chunk) => (this.got += String(chunk)));
    this.#socket.on("error", () => {});
    this.#socket.on("end", () => (this.over = true));
    this.#socket.on("close", () => (this.over = true));
  }

  say(text: string): void {
    this.#socket.write(text);
  }

  /** Until the peer has said so, or says nothing more. */
  async hears(what: string, said: (got: string) => boolean): Promise<void> {
    await eventually(what, 30_000, () => Promise.resolve(said(this.got) || this.over ? true : undefined));
  }

  /** Ends our half and waits for the other. */
  async end(): Promise<void> {
    this.#socket.end();
    await eventually("the end", 30_000, () => Promise.resolve(this.over ? true : undefined));
    this.#socket.destroy();
  }
}
