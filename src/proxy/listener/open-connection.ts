// An open connection as its network filters and its listener know it, and the list of those of a chain. The list goes through its members:
// a Map keeps, in every table that it grew out of, what was open at that moment, and the collector of young objects takes all that for live
// once such a table is old. With connections that come and go, half of what they ever allocated lived on that way.
import type { StreamRecord } from "#proxy/http/stream-record";
import type { Connection, ConnectionInfo, ConnectionOwner, SocketAddress } from "#proxy/net/connection";
import type { ConnectionContext } from "./network-filter.ts";
import type { FilterChain, ListenerConfig } from "./listener-config.ts";

/** What was accepted on one filter chain. It outlives the chain while its connections drain. */
export class ChainConnections {
  readonly chain: FilterChain;
  draining = false;
  #first: OpenConnection | undefined = undefined;
  #size = 0;

  constructor(chain: FilterChain) {
    this.chain = chain;
  }

  get size(): number {
    return this.#size;
  }

  /** Those that are open now, whatever becomes of them meanwhile. */
  all(): OpenConnection[] {
    const all: OpenConnection[] = [];
    for (let open = this.#first; open !== undefined; open = open.next) all.push(open);
    return all;
  }

  add(open: OpenConnection): void {
    const first = this.#first;
    open.next = first;
    if (first !== undefined) first.previous = open;
    this.#first = open;
    this.#size++;
  }

  remove(open: OpenConnection): void {
    const { previous, next } = open;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    open.previous = undefined;
    open.next = undefined;
    this.#size--;
  }
}

/** Who hears of it last, when all that its filters left behind is done. */
interface Listener {
  onConnectionGone(open: OpenConnection): void;
}

/** Made before its connection, as the owner of it. */
export class OpenConnection implements ConnectionContext, ConnectionOwner {
  readonly chain: ChainConnections;
  readonly #listener: Listener;
  readonly #config: ListenerConfig;
  #connection: Connection | undefined = undefined;
  #info: ConnectionInfo | undefined = undefined;
  originalDestination: SocketAddress | undefined = undefined;
  streamInfo: StreamRecord | undefined = undefined;
  tcpProxyCluster: string | undefined = undefined;
  /** @internal of its chain */
  previous: OpenConnection | undefined = undefined;
  /** @internal of its chain */
  next: OpenConnection | undefined = undefined;
  #onDrain: (() => void)[] | undefined = undefined;
  #onClosed: (() => void)[] | undefined = undefined;

  constructor(chain: ChainConnections, config: ListenerConfig, listener: Listener) {
    this.chain = chain;
    this.#config = config;
    this.#listener = listener;
  }

  /** The filters take it over. */
  serve(connection: Connection, info: ConnectionInfo, originalDestination: SocketAddress | undefined): void {
    this.#connection = connection;
    this.#info = info;
    this.originalDestination = originalDestination;
    this.chain.add(this);
    this.chain.chain.filter.accept(this);
  }

  get connection(): Connection {
    return this.#connection!;
  }
  get info(): ConnectionInfo {
    return this.#info!;
  }
  get listenerName(): string {
    return this.#config.name;
  }
  get direction(): ListenerConfig["direction"] {
    return this.#config.direction;
  }
  get modifyOnly(): boolean {
    return this.#config.modifyOnly;
  }
  get bufferLimitBytes(): number | undefined {
    return this.#config.bufferLimitBytes;
  }

  onDrain(begin: () => void): void {
    if (this.chain.draining) begin();
    else (this.#onDrain ??= []).push(begin);
  }

  onClosed(callback: () => void): void {
    (this.#onClosed ??= []).push(callback);
  }

  drain(): void {
    const waiting = this.#onDrain;
    if (waiting !== undefined) for (const begin of waiting) begin();
  }

  onConnectionClosed(): void {
    this.chain.remove(this);
    const waiting = this.#onClosed;
    if (waiting !== undefined) for (const callback of waiting) callback();
    this.#listener.onConnectionGone(this);
  }
}
