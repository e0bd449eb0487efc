// Upstream connections. Addresses are IP literals or paths: names were resolved long before.
import { Socket, isIPv6 } from "node:net";
import type { Clock, Timer } from "#runtime/clock";
import type { SocketAddress, TransportFailure } from "./connection.ts";
import type { ClientTls, ConnectCallbacks, Connector, ConnectOptions, PendingConnect } from "./connector.ts";
import { isPipe } from "./socket-address.ts";
import { SocketConnection } from "./socket-connection.ts";
import { isTcp, newPipeConnect, newPipeHandle, newTcpConnect, newTcpHandle, systemError } from "./stream-handle.ts";
import type { StreamHandle } from "./stream-handle.ts";
import { beginAt } from "./source-address.ts";
import { clientHandshake } from "./tls-handshake.ts";
import { connectFailure } from "./transport-failure.ts";
import { PlainTransport, TlsTransport } from "./transport.ts";

const PLAIN: ConnectOptions = {};

export class SocketConnector implements Connector {
  readonly #clock: Clock;
  readonly #poison: boolean;

  constructor(clock: Clock, poison: boolean) {
    this.#clock = clock;
    this.#poison = poison;
  }

  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks, options: ConnectOptions = PLAIN): PendingConnect {
    const connect = new Connect(target, callbacks, options, this.#clock, this.#poison);
    connect.start(connectTimeoutMs);
    return connect;
  }
}

/** One attempt, which tells its outcome once. */
class Connect implements PendingConnect {
  readonly #target: SocketAddress;
  readonly #callbacks: ConnectCallbacks;
  readonly #options: ConnectOptions;
  readonly #clock: Clock;
  readonly #poison: boolean;
  readonly #handle: StreamHandle;
  /** Closes what there is so far. */
  #abandon: () => void;
  #timer: Timer | undefined;
  #settled = false;

  constructor(target: SocketAddress, callbacks: ConnectCallbacks, options: ConnectOptions, clock: Clock, poison: boolean) {
    this.#target = target;
    this.#callbacks = callbacks;
    this.#options = options;
    this.#clock = clock;
    this.#poison = poison;
    const handle = isPipe(target) ? newPipeHandle() : newTcpHandle();
    this.#handle = handle;
    this.#abandon = () => handle.close();
  }

  start(timeoutMs: number): void {
    if (timeoutMs > 0) {
      const failure: TransportFailure = { kind: "connect-timeout", detail: `no answer within ${timeoutMs} ms` };
      this.#timer = this.#clock.setTimer(timeoutMs, () => this.#fail(failure), true);
    }
    const { source } = this.#options;
    const fault = source === undefined ? undefined : beginAt(this.#handle, this.#target, source);
    const result = fault === undefined ? this.#begin() : 0;
    // Never within the call of whoever connects.
    if (fault !== undefined) process.nextTick(() => this.#fail(fault));
    else if (result !== 0) process.nextTick(() => this.#fail(connectFailure(systemError(result, "connect"))));
  }

  #begin(): number {
    const { address, port } = this.#target;
    const handle = this.#handle;
    const onConnected = (status: number): void => {
      if (this.#settled) return;
      if (status === 0) this.#onConnected();
      else this.#fail(connectFailure(systemError(status, "connect")));
    };
    if (!isTcp(handle)) {
      const request = Object.assign(newPipeConnect(), { oncomplete: onConnected });
      return (handle as ReturnType<typeof newPipeHandle>).connect(request, pipePath(address));
    }
    handle.setNoDelay(true);
    const v6 = isIPv6(address);
    const request = Object.assign(newTcpConnect(), { oncomplete: onConnected });
    return v6 ? handle.connect6(request, address, port) : handle.connect(request, address, port);
  }

  #onConnected(): void {
    const handle = this.#handle;
    const { keepalive, preamble, tls } = this.#options;
    if (keepalive !== undefined && isTcp(handle)) {
      handle.setKeepAlive(true, seconds(keepalive.idleMs), seconds(keepalive.intervalMs), keepalive.probes);
    }
    const transport = new PlainTransport(handle);
    const first = preamble?.({ source: transport.local, destination: this.#target });
    if (tls !== undefined) {
      this.#secure(tls, first);
      return;
    }
    if (!this.#settle()) return;
    const connection = new SocketConnection(transport, { clock: this.#clock, poison: this.#poison });
    if (first !== undefined) connection.write(first);
    this.#callbacks.onConnected(connection, undefined);
  }

  #secure(tls: ClientTls, preamble: Uint8Array | undefined): void {
    const carrier = new Socket({ handle: this.#handle, allowHalfOpen: true, manualStart: true } as object);
    this.#abandon = () => carrier.destroy();
    // Stays for the life of the socket: an error after a cancel must not end the process.
    carrier.on("error", (error) => this.#fail(connectFailure(error)));
    if (preamble !== undefined) carrier.write(preamble);
    clientHandshake(carrier, tls, {
      onSecure: (secured, result) => {
        if (this.#settled) return;
        const problem = tls.judge(result);
        if (problem !== undefined) {
          this.#fail({ kind: "tls-failed", detail: `TLS_error:|${problem}:TLS_error_end` });
          return;
        }
        this.#settle();
        const early = (secured.read() as Buffer | null) ?? undefined;
        const connection = new SocketConnection(new TlsTransport(secured, carrier), { clock: this.#clock, poison: this.#poison, early });
        this.#callbacks.onConnected(connection, result.info);
      },
      onFailed: (failure) => {
        if (this.#settled) return;
        tls.onFailed(failure);
        this.#fail({ kind: "tls-failed", detail: failure.detail });
      },
    });
  }

  cancel(): void {
    if (this.#settle()) this.#abandon();
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#timer?.cancel();
    return true;
  }

  #fail(failure: TransportFailure): void {
    if (!this.#settle()) return;
    this.#abandon();
    this.#callbacks.onConnectFailed(failure);
  }
}

function seconds(milliseconds: number): number {
  return Math.trunc(milliseconds / 1000);
}

/** An abstract name begins with a NUL byte. */
function pipePath(address: string): string {
  return address.startsWith("@") ? `\0${address.slice(1)}` : address;
}
