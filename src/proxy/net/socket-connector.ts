// Upstream connections over node:net. Addresses are IP literals: names were resolved long before.
import { connect } from "node:net";
import type { Clock } from "#runtime/clock";
import type { SocketAddress } from "./connection.ts";
import type { ConnectCallbacks, Connector, PendingConnect } from "./connector.ts";
import { SocketConnection } from "./socket-connection.ts";
import { connectFailure } from "./transport-failure.ts";

export class SocketConnector implements Connector {
  readonly #clock: Clock;
  readonly #poison: boolean;

  constructor(clock: Clock, poison: boolean) {
    this.#clock = clock;
    this.#poison = poison;
  }

  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks): PendingConnect {
    const socket = connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true, autoSelectFamily: false });
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      timer?.cancel();
      socket.removeAllListeners("connect");
      return true;
    };
    const timer =
      connectTimeoutMs > 0
        ? this.#clock.setTimer(
            connectTimeoutMs,
            () => {
              if (!settle()) return;
              socket.destroy();
              callbacks.onConnectFailed({ kind: "connect-timeout", detail: `no answer within ${connectTimeoutMs} ms` });
            },
            true,
          )
        : undefined;
    // Stays for the life of the socket: an error after a cancel must not end the process.
    socket.on("error", (error) => {
      if (settle()) callbacks.onConnectFailed(connectFailure(error));
    });
    socket.once("connect", () => {
      if (settle()) callbacks.onConnected(new SocketConnection(socket, this.#clock, this.#poison));
    });
    return {
      cancel: () => {
        if (settle()) socket.destroy();
      },
    };
  }
}
