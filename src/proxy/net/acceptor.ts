// Accepts connections on a descriptor that the main thread bound: one acceptor per listening address and traffic thread.
import { createServer } from "node:net";
import type { Server } from "node:net";
import type { Clock } from "#runtime/clock";
import { AcceptedSocket } from "./accepted-socket.ts";
import { LISTEN_BACKLOG } from "./listen-socket.ts";
import { systemError } from "./stream-handle.ts";
import type { StreamHandle } from "./stream-handle.ts";

interface ListeningHandle {
  onconnection: (status: number, handle: StreamHandle) => void;
}

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
    this.#server = createServer();
    this.#server.on("error", onError);
    // With a descriptor, node:net takes the backlog from this place only.
    this.#server.listen({ fd }, LISTEN_BACKLOG);
    const { _handle: listening } = this.#server as Server & { readonly _handle: ListeningHandle | null };
    // Where listening failed, onError tells.
    if (listening === null) return;
    listening.onconnection = (status, handle) => {
      if (status === 0) onSocket(new AcceptedSocket(handle, clock, poison));
      else onError(systemError(status, "accept"));
    };
  }

  /** Stops accepting. Connections live on. */
  close(): void {
    this.#server.close();
  }
}
