// Accepts connections on a descriptor that the main thread bound: one acceptor per listening address and traffic thread.
import { createServer } from "node:net";
import type { Server } from "node:net";
import type { Clock } from "#runtime/clock";
import { AcceptedSocket } from "./accepted-socket.ts";
import { HIGH_WATERMARK_BYTES } from "./socket-connection.ts";

// Envoy leaves the backlog to the system's maximum; a burst of connections must not meet a full queue while configuration is applied.
const BACKLOG = 4096;

export interface AcceptorOptions {
  /** Taken over: closed with the acceptor. */
  readonly fd: number;
  readonly clock: Clock;
  readonly poison: boolean;
  /** Takes the socket over, peeks at it or closes it before it returns. */
  readonly onSocket: (socket: AcceptedSocket) => void;
  /** Accepting itself failed, e.g. no descriptors left; it goes on when it can. */
  readonly onError: (error: Error) => void;
}

export class Acceptor {
  readonly #server: Server;

  constructor({ fd, clock, poison, onSocket, onError }: AcceptorOptions) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATERMARK_BYTES });
    this.#server.on("connection", (socket) => onSocket(new AcceptedSocket(socket, clock, poison)));
    this.#server.on("error", onError);
    // With a descriptor, node:net takes the backlog from this place only.
    this.#server.listen({ fd }, BACKLOG);
  }

  /** Stops accepting. Connections live on. */
  close(): void {
    this.#server.close();
  }
}
