// Connecting to a host that has several addresses: they are tried in turn, families alternating (address-order.ts), and the next one starts when one fails or
// after a short while; the first that connects wins (RFC 8305, with Envoy's delay and order).
import type { SocketAddress, TransportFailure } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector, ConnectOptions, PendingConnect } from "#proxy/net/connector";
import type { Clock, Timer } from "#runtime/clock";
import { inOrder } from "./address-order.ts";
import type { AddressOrder } from "./address-order.ts";

const NEXT_ATTEMPT_MS = 300;

export class HappyEyeballs implements Connector {
  readonly #connector: Connector;
  readonly #more: () => readonly SocketAddress[];
  readonly #order: () => AddressOrder;
  readonly #clock: Clock;

  /** `more`: the addresses besides the one that is asked for. */
  constructor(connector: Connector, more: () => readonly SocketAddress[], order: () => AddressOrder, clock: Clock) {
    this.#connector = connector;
    this.#more = more;
    this.#order = order;
    this.#clock = clock;
  }

  connect(target: SocketAddress, connectTimeoutMs: number, callbacks: ConnectCallbacks, options?: ConnectOptions): PendingConnect {
    const more = this.#more();
    if (more.length === 0) return this.#connector.connect(target, connectTimeoutMs, callbacks, options);
    const connect = (address: SocketAddress, own: ConnectCallbacks): PendingConnect => this.#connector.connect(address, 0, own, options);
    return new Race(inOrder([target, ...more], this.#order()), connect, connectTimeoutMs, callbacks, this.#clock);
  }
}

class Race implements PendingConnect {
  readonly #waiting: SocketAddress[];
  readonly #connect: (address: SocketAddress, callbacks: ConnectCallbacks) => PendingConnect;
  readonly #callbacks: ConnectCallbacks;
  readonly #clock: Clock;
  readonly #running = new Set<PendingConnect>();
  readonly #timeout: Timer | undefined;
  #next: Timer | undefined;
  #over = false;

  constructor(
    addresses: SocketAddress[],
    connect: (address: SocketAddress, callbacks: ConnectCallbacks) => PendingConnect,
    timeoutMs: number,
    callbacks: ConnectCallbacks,
    clock: Clock,
  ) {
    this.#waiting = addresses;
    this.#connect = connect;
    this.#callbacks = callbacks;
    this.#clock = clock;
    const detail = `no answer within ${timeoutMs} ms`;
    if (timeoutMs > 0) this.#timeout = clock.setTimer(timeoutMs, () => this.#fail({ kind: "connect-timeout", detail }), true);
    this.#startNext();
  }

  cancel(): void {
    this.#end();
  }

  #startNext(): void {
    this.#next?.cancel();
    const address = this.#waiting.shift();
    if (address === undefined) return;
    const pending = this.#connect(address, {
      onConnected: (connection, tls) => {
        if (this.#over) {
          connection.close("now");
          return;
        }
        this.#running.delete(pending);
        this.#end();
        this.#callbacks.onConnected(connection, tls);
      },
      onConnectFailed: (failure) => {
        if (this.#over) return;
        this.#running.delete(pending);
        if (this.#waiting.length > 0) this.#startNext();
        else if (this.#running.size === 0) this.#fail(failure);
      },
    });
    this.#running.add(pending);
    if (this.#waiting.length > 0) this.#next = this.#clock.setTimer(NEXT_ATTEMPT_MS, () => this.#startNext(), true);
  }

  #fail(failure: TransportFailure): void {
    this.#end();
    this.#callbacks.onConnectFailed(failure);
  }

  #end(): void {
    this.#over = true;
    this.#timeout?.cancel();
    this.#next?.cancel();
    for (const pending of this.#running) pending.cancel();
    this.#running.clear();
  }
}
