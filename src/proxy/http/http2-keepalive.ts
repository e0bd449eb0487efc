// Keep-alive pings of an HTTP/2 connection, either side (Envoy's connection_keepalive): one at intervals, and the connection is lost when
// its answer does not come in time. Any frame of the peer is a sign of life, as in Envoy.
import type { Clock, Timer } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { Http2Keepalive } from "./http2-options.ts";

export interface PingedConnection {
  ping(payload: number): void;
  /** The peer is gone, though nobody said so. */
  onPingTimeout(): void;
}

export class Http2Pings {
  readonly #options: Http2Keepalive;
  readonly #connection: PingedConnection;
  readonly #clock: Clock;
  readonly #random: Random;
  #timer: Timer | undefined;
  #payload = 0;
  #waiting = false;
  #heard = false;
  #lastFrameMs: number;

  constructor(options: Http2Keepalive, connection: PingedConnection, clock: Clock, random: Random) {
    this.#options = options;
    this.#connection = connection;
    this.#clock = clock;
    this.#random = random;
    this.#lastFrameMs = clock.monotonicMs();
    this.#schedule();
  }

  /** Bytes have come. */
  onRead(): void {
    this.#heard = true;
    if (this.#options.connectionIdleIntervalMs > 0) this.#lastFrameMs = this.#clock.monotonicMs();
  }

  onPingAck(payload: number): void {
    if (!this.#waiting || payload !== this.#payload) return;
    this.#waiting = false;
    this.#schedule();
  }

  /** A stream is about to be opened: after long silence a ping goes with it. */
  onNewStream(): void {
    const { connectionIdleIntervalMs } = this.#options;
    if (connectionIdleIntervalMs > 0 && this.#clock.monotonicMs() - this.#lastFrameMs > connectionIdleIntervalMs) this.#ping();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = false;
  }

  /** The next ping, jittered so that connections that were made together do not ping together. */
  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { intervalMs, jitterPercent } = this.#options;
    if (intervalMs === 0) return;
    const delayMs = intervalMs * (1 + (jitterPercent / 100) * this.#random.next());
    this.#timer = this.#clock.setTimer(delayMs, () => this.#ping(), true);
  }

  #ping(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#payload = (this.#payload + 1) >>> 0;
    this.#connection.ping(this.#payload);
    this.#wait();
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#heard = false;
    this.#timer = this.#clock.setTimer(this.#options.timeoutMs, () => this.#onTimeout(), true);
  }

  #onTimeout(): void {
    if (this.#heard) {
      this.#wait();
      return;
    }
    this.stop();
    this.#connection.onPingTimeout();
  }
}
