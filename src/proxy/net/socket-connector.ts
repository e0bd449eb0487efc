// Upstream connections over node:net. Addresses are IP literals: names were resolved long before.
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Clock } from "#runtime/clock";
import type { SocketAddress, TransportFailure } from "./connection.ts";
import type { ConnectCallbacks, Connector, ConnectOptions, PendingConnect } from "./connector.ts";
import { isPipe } from "./socket-address.ts";
import { plainAddress, SocketConnection } from "./socket-connection.ts";
import { clientHandshake } from "./tls-handshake.ts";
import { connectFailure } from "./transport-failure.ts";

const PLAIN: ConnectOptions = {};

export class SocketConnector implements Connector {
  readonly #clock: Clock;
  readonly #poison: boolean;

  constructor(clock: Clock, poison: boolean) {
    this.#clock = clock;
    this.#poison = poison;
  }

  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks, options: ConnectOptions = PLAIN): PendingConnect {
    const { tls, preamble, localAddress, keepalive } = options;
    const socket = isPipe(target)
      ? connect({ path: pipePath(target.address), allowHalfOpen: true })
      : connect({
          host: target.address,
          port: target.port,
          allowHalfOpen: true,
          noDelay: true,
          autoSelectFamily: false,
          ...(localAddress === undefined ? {} : { localAddress }),
        });
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      timer?.cancel();
      socket.removeAllListeners("connect");
      return true;
    };
    const fail = (failure: TransportFailure): void => {
      if (!settle()) return;
      socket.destroy();
      callbacks.onConnectFailed(failure);
    };
    const timer =
      connectTimeoutMs > 0
        ? this.#clock.setTimer(
            connectTimeoutMs,
            () => fail({ kind: "connect-timeout", detail: `no answer within ${connectTimeoutMs} ms` }),
            true,
          )
        : undefined;
    // Stays for the life of the socket: an error after a cancel must not end the process.
    socket.on("error", (error) => fail(connectFailure(error)));
    socket.once("connect", () => {
      if (keepalive !== undefined && !isPipe(target)) socket.setKeepAlive(true, keepalive.idleMs, keepalive.intervalMs, keepalive.probes);
      if (preamble !== undefined) socket.write(preamble({ source: localOf(socket), destination: target }));
      if (tls === undefined) {
        if (settle()) callbacks.onConnected(new SocketConnection(socket, this.#clock, this.#poison), undefined);
        return;
      }
      clientHandshake(socket, tls, {
        onSecure: (secured, result) => {
          if (settled) return;
          const problem = tls.judge(result);
          if (problem !== undefined) fail({ kind: "tls-failed", detail: `TLS_error:|${problem}:TLS_error_end` });
          else if (settle())
            callbacks.onConnected(new SocketConnection(secured, this.#clock, this.#poison, undefined, socket), result.info);
        },
        onFailed: (detail) => {
          if (settled) return;
          tls.onFailed();
          fail({ kind: "tls-failed", detail });
        },
      });
    });
    return {
      cancel: () => {
        if (settle()) socket.destroy();
      },
    };
  }
}

/** An abstract name begins with a NUL byte. */
function pipePath(address: string): string {
  return address.startsWith("@") ? `\0${address.slice(1)}` : address;
}

function localOf(socket: Socket): SocketAddress {
  return { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
}
