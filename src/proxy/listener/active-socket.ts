// A socket between accept and its filter chain: listener filters run one after the other, each waiting for the bytes it needs, all of them
// together no longer than the listener's timeout.
import type { AcceptedSocket } from "#proxy/net/accepted-socket";
import type { SocketAddress } from "#proxy/net/connection";
import type { Clock, Timer } from "#runtime/clock";
import type { ConnectionFacts, InspectedSocket } from "./listener-filter.ts";
import type { ListenerFilterChain } from "./listener-filters.ts";

export type SocketOutcome = "ready" | "closed-by-filter" | "timed-out" | "remote-close" | "failed";

export interface ActiveSocketOptions {
  readonly socket: AcceptedSocket;
  readonly facts: ConnectionFacts;
  /** The address that it arrived at is where its client meant to go. */
  readonly transparent: boolean;
  readonly filters: ListenerFilterChain;
  readonly clock: Clock;
  /** Once. On "timed-out" filters are undecided; for all but that and "ready" the socket is closed. */
  readonly onDone: (outcome: SocketOutcome) => void;
}

export class ActiveSocket implements InspectedSocket {
  readonly facts: ConnectionFacts;
  readonly #options: ActiveSocketOptions;
  #next = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #timer: Timer | undefined;
  #done = false;

  constructor(options: ActiveSocketOptions) {
    this.#options = options;
    this.facts = options.facts;
  }

  /** Runs filters as far as they come without bytes, then waits. */
  start(): void {
    // A listener that handed the socket over may have looked at it already.
    this.#bytes = this.#options.socket.peeked;
    this.#run();
    if (this.#done) return;
    const { socket, filters, clock } = this.#options;
    if (filters.timeoutMs > 0) this.#timer = clock.setTimer(filters.timeoutMs, () => this.#finish("timed-out"), true);
    socket.peek({
      onBytes: (bytes) => {
        this.#bytes = bytes;
        this.#run();
      },
      onGone: (failed) => this.#finish(failed ? "failed" : "remote-close"),
    });
  }

  originalDestination(): SocketAddress | undefined {
    const { socket, transparent } = this.#options;
    return socket.originalDestination() ?? (transparent ? socket.local : undefined);
  }

  consume(length: number): void {
    this.#options.socket.consume(length);
    this.#bytes = this.#bytes.subarray(length);
  }

  /** The listener goes: nobody waits any more. */
  close(): void {
    this.#finish("closed-by-filter");
  }

  #run(): void {
    const { filters } = this.#options.filters;
    for (; !this.#done && this.#next < filters.length; this.#next++) {
      const entry = filters[this.#next];
      if (entry === undefined || entry.disabled(this.facts.destination.port)) continue;
      const verdict = entry.filter.inspect(this, this.#bytes);
      if (verdict === "more") return;
      if (verdict === "close") this.#finish("closed-by-filter");
    }
    this.#finish("ready");
  }

  #finish(outcome: SocketOutcome): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.cancel();
    if (outcome !== "ready" && outcome !== "timed-out") this.#options.socket.close();
    else this.#options.socket.stopPeeking();
    this.#options.onDone(outcome);
  }
}
