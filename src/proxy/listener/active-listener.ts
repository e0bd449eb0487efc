// One listener on one traffic thread: accepts, picks the filter chain, keeps count, drains. An update keeps the socket and the connections
// of chains that did not change; connections of other chains finish on the old configuration while they drain.
import type { AccessLogger } from "#proxy/access-log/access-log";
import { StreamRecord } from "#proxy/http/stream-record";
import type { AcceptedSocket } from "#proxy/net/accepted-socket";
import { Acceptor } from "#proxy/net/acceptor";
import type { Connection, ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import { isPipe } from "#proxy/net/socket-address";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { ConnectionContext } from "./network-filter.ts";
import { TlsStats } from "#proxy/transport-socket/tls-stats";
import type { ThreadContext } from "#proxy/thread-context";
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";
import type { Timer } from "#runtime/clock";
import { ActiveSocket } from "./active-socket.ts";
import type { ConnectionFacts } from "./listener-filter.ts";
import type { FilterChain, ListenerConfig } from "./listener-config.ts";
import { ChainConnections, OpenConnection } from "./open-connection.ts";
import { TlsAccept } from "./tls-accept.ts";

export interface ListenerOptions {
  /** How long connections may go on after their chain or listener has gone. */
  readonly drainTimeMs: number;
  /** Per traffic thread; more are closed at once and counted. */
  readonly maxConnections: number;
  /** The live listener that owns an address: the exact one, else one that takes every address of this port. */
  readonly listenerAt: (address: SocketAddress) => ActiveListener | undefined;
}

type LoggedConnection = Pick<ConnectionContext, "info"> & Partial<Pick<ConnectionContext, "connection" | "streamInfo">>;

interface ListenerStats {
  readonly scope: StatsScope;
  readonly total: Counter;
  readonly active: Gauge;
  readonly destroyed: Counter;
  readonly overflow: Counter;
  readonly noMatch: Counter;
  readonly preActive: Gauge;
  readonly preTimeout: Counter;
  readonly filterRemoteClose: Counter;
  readonly filterError: Counter;
  readonly tls: TlsStats;
  readonly handshakeTimeout: Counter;
  readonly secretsNotReady: Counter;
  readonly lengthMs: Histogram;
}

export class ActiveListener {
  readonly #thread: ThreadContext;
  readonly #options: ListenerOptions;
  readonly #stats: ListenerStats;
  readonly #limitKey: string;
  #config: ListenerConfig;
  #chains: ChainConnections[];
  #default: ChainConnections | undefined;
  #acceptors: Acceptor[] = [];
  readonly #leaving = new Set<ChainConnections>();
  /** Sockets that listener filters look at, or that shake hands: those with the chain that has them already. */
  readonly #pending = new Map<ActiveSocket | TlsAccept, ChainConnections | undefined>();
  #open = 0;
  readonly #timers = new Set<Timer>();
  #ended = false;
  #accessLog: AccessLogger | undefined;

  constructor(config: ListenerConfig, thread: ThreadContext, options: ListenerOptions) {
    this.#config = config;
    this.#thread = thread;
    this.#options = options;
    this.#limitKey = `envoy.resource_limits.listener.${config.name}.connection_limit`;
    this.#accessLog = config.accessLog?.open(thread);
    this.#chains = config.chains.map((chain) => new ChainConnections(chain));
    this.#default = config.defaultChain === undefined ? undefined : new ChainConnections(config.defaultChain);
    const scope = thread.stats.scope("listener", { tag: "envoy.listener_address", value: config.statName });
    this.#stats = {
      scope,
      total: scope.counter("downstream_cx_total"),
      active: scope.gauge("downstream_cx_active"),
      destroyed: scope.counter("downstream_cx_destroy"),
      overflow: scope.counter("downstream_cx_overflow"),
      noMatch: scope.counter("no_filter_chain_match"),
      preActive: scope.gauge("downstream_pre_cx_active"),
      preTimeout: scope.counter("downstream_pre_cx_timeout"),
      filterRemoteClose: scope.counter("downstream_listener_filter_remote_close"),
      filterError: scope.counter("downstream_listener_filter_error"),
      tls: new TlsStats(scope),
      handshakeTimeout: scope.counter("downstream_cx_transport_socket_connect_timeout"),
      // Only listeners that end TLS have it, as in Envoy.
      get secretsNotReady() {
        return scope.counter("server_ssl_socket_factory", "downstream_context_secrets_not_ready");
      },
      lengthMs: scope.histogram("downstream_cx_length_ms"),
    };
    this.#announceTls();
  }

  #announceTls(): void {
    const { chains, defaultChain } = this.#config;
    if (![...chains, defaultChain].some((chain) => chain?.tls !== undefined)) return;
    this.#stats.tls.announce();
    void this.#stats.secretsNotReady;
  }

  get config(): ListenerConfig {
    return this.#config;
  }

  get connectionCount(): number {
    return this.#open;
  }

  /** Begins to accept, on these descriptors instead of those before. Each is a duplicate of its own for this thread. */
  listen(descriptors: readonly number[]): void {
    const { clock, poison, log } = this.#thread;
    const before = this.#acceptors;
    this.#acceptors = [];
    for (const [index, fd] of descriptors.entries()) {
      const address = this.#config.addresses[index];
      // Clients of a pipe have no name: as in Envoy, both ends are what the listener is called.
      const pipe = address !== undefined && isPipe(address) ? address : undefined;
      this.#acceptors.push(
        new Acceptor({
          fd,
          clock,
          poison,
          onSocket: (socket) => this.#accept(socket, pipe),
          onError: (error) =>
            log.scope("conn_handler").warn("accepting connections failed", { listener: this.#config.name, error: error.message }),
        }),
      );
    }
    for (const acceptor of before) acceptor.close();
  }

  /** A new configuration at the same addresses. Connections of chains that are gone or different drain. */
  update(config: ListenerConfig): void {
    const before = this.#default === undefined ? this.#chains : [...this.#chains, this.#default];
    // compileListener takes unchanged chains over, so that being the same object means being the same.
    const keep = (chain: FilterChain): ChainConnections => before.find((old) => old.chain === chain) ?? new ChainConnections(chain);
    this.#config = config;
    this.#accessLog = config.accessLog?.open(this.#thread);
    this.#chains = config.chains.map(keep);
    this.#default = config.defaultChain === undefined ? undefined : keep(config.defaultChain);
    this.#announceTls();
    const kept = new Set([...this.#chains, this.#default]);
    for (const old of before) if (!kept.has(old)) this.#drainChain(old);
  }

  /** Stops accepting and lets what is open finish. What is left after the drain time is closed. */
  drain(): void {
    this.stopAccepting();
    this.#ended = true;
    for (const chain of this.#chains) this.#drainChain(chain);
    if (this.#default !== undefined) this.#drainChain(this.#default);
    this.#chains = [];
    this.#default = undefined;
    this.#endIfEmpty();
  }

  /** At once. */
  close(): void {
    this.drain();
    for (const chain of this.#leaving) for (const { connection } of chain.all()) connection.close("now");
    for (const socket of this.#pending.keys()) socket.close();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Takes no more connections; those that are open go on. */
  stopAccepting(): void {
    for (const acceptor of this.#acceptors) acceptor.close();
    this.#acceptors = [];
  }

  /** A socket that another listener accepted, for a destination of this one. It goes no further. */
  takeOver(socket: AcceptedSocket, facts: ConnectionFacts): void {
    this.#inspect(socket, facts, false);
  }

  #accept(socket: AcceptedSocket, pipe: SocketAddress | undefined): void {
    const local = pipe ?? socket.local;
    const remote = pipe ?? socket.remote;
    const facts: ConnectionFacts = {
      destination: local,
      destinationRestored: false,
      source: remote,
      directSource: remote,
      serverName: "",
      transportProtocol: "",
      applicationProtocols: [],
    };
    this.#inspect(socket, facts, this.#config.handsOff);
  }

  #inspect(socket: AcceptedSocket, facts: ConnectionFacts, mayHandOff: boolean): void {
    if (this.#open + this.#pending.size >= this.#thread.runtime.integer(this.#limitKey, this.#options.maxConnections)) {
      this.#stats.overflow.inc();
      socket.close();
      return;
    }
    const { listenerFilters: filters } = this.#config;
    if (filters.filters.length === 0) {
      this.#handOffOrServe(socket, facts, mayHandOff);
      return;
    }
    const { clock } = this.#thread;
    const active = new ActiveSocket({
      socket,
      transparent: this.#config.transparent,
      facts,
      filters,
      clock,
      onDone: (outcome) => {
        this.#pending.delete(active);
        this.#stats.preActive.dec();
        if (outcome === "remote-close") this.#stats.filterRemoteClose.inc();
        else if (outcome === "failed") this.#stats.filterError.inc();
        else if (outcome === "timed-out") this.#stats.preTimeout.inc();
        if (outcome === "ready" || (outcome === "timed-out" && filters.continueOnTimeout)) this.#handOffOrServe(socket, facts, mayHandOff);
        else {
          if (outcome === "timed-out") socket.close();
          if (this.#accessLog !== undefined) this.#log(this.#accessLog, { info: infoOf(facts, undefined) });
        }
        this.#endIfEmpty();
      },
    });
    this.#pending.set(active, undefined);
    this.#stats.preActive.inc();
    active.start();
  }

  #handOffOrServe(socket: AcceptedSocket, facts: ConnectionFacts, mayHandOff: boolean): void {
    const owner = mayHandOff && facts.destinationRestored ? this.#options.listenerAt(facts.destination) : undefined;
    if (owner !== undefined && owner !== this) {
      owner.takeOver(socket, facts);
      return;
    }
    // What no inspector called anything else is plain text.
    if (facts.transportProtocol === "") facts.transportProtocol = "raw_buffer";
    const index = this.#config.matcher(facts);
    const chosen = index === undefined ? this.#default : this.#chains[index];
    if (chosen === undefined) {
      this.#stats.noMatch.inc();
      socket.close();
      if (this.#accessLog !== undefined) this.#log(this.#accessLog, { info: infoOf(facts, undefined) }, "NR");
      return;
    }
    // As Envoy: what has its filter chain is a connection, also while it shakes hands.
    this.#stats.total.inc();
    this.#stats.active.inc();
    const { tls, filter, handshakeTimeoutMs } = chosen.chain;
    const open = new OpenConnection(chosen, this.#config, this);
    if (tls === undefined) {
      this.#serve(socket.connection(open), facts, undefined, open);
      return;
    }
    const startMs = this.#thread.clock.monotonicMs();
    const accept = new TlsAccept({
      socket,
      facts,
      tls,
      secrets: this.#thread.secrets,
      clock: this.#thread.clock,
      timeoutMs: handshakeTimeoutMs,
      unserved: filter.unservedProtocols ?? [],
      stats: { tls: this.#stats.tls, secretsNotReady: this.#stats.secretsNotReady, timeout: this.#stats.handshakeTimeout },
      owner: open,
      onConnection: (connection, info) => this.#serve(connection, facts, info, open),
      onFault: (error) =>
        this.#thread.log.scope("conn_handler").error("a TLS context cannot be made", { listener: this.#config.name, error: String(error) }),
      onDone: (secured) => {
        this.#pending.delete(accept);
        if (secured) return;
        this.#stats.destroyed.inc();
        this.#countClosed(startMs);
        if (this.#accessLog !== undefined) this.#log(this.#accessLog, { info: infoOf(facts, undefined) });
        this.#forgetIfDrained(chosen);
        this.#endIfEmpty();
      },
    });
    this.#pending.set(accept, chosen);
    accept.start();
  }

  #serve(connection: Connection, facts: ConnectionFacts, tls: TlsInfo | undefined, open: OpenConnection): void {
    const { bufferLimitBytes } = this.#config;
    if (bufferLimitBytes !== undefined) connection.bufferLimitBytes = bufferLimitBytes;
    this.#open++;
    open.serve(connection, infoOf(facts, tls), facts.destinationRestored ? facts.destination : undefined);
  }

  /** The end of a connection is now. `flag`: no chain took it. */
  #log(logger: AccessLogger, { info, connection, streamInfo: served }: LoggedConnection, flag?: "NR"): void {
    const { clock } = this.#thread;
    const nowMs = clock.monotonicMs();
    const startMs = connection?.startMs ?? nowMs;
    const record = served ?? new StreamRecord(clock.wallMs() - (nowMs - startMs), startMs, info);
    record.endMs = nowMs;
    // As in Envoy, types are those of the logs of filters.
    record.accessLogType = "NotSet";
    record.bytesSent = connection?.bytesSent ?? 0;
    if (served === undefined) {
      record.dynamicMetadata = info.dynamicMetadata;
      record.bytesReceived = connection?.bytesReceived ?? 0;
    }
    if (flag !== undefined) record.flags.add(flag);
    logger.log(record);
  }

  /** @internal of its connections */
  onConnectionGone(open: OpenConnection): void {
    const { chain, connection } = open;
    this.#open--;
    this.#stats.destroyed.inc();
    if (this.#accessLog !== undefined) this.#log(this.#accessLog, open);
    this.#forgetIfDrained(chain);
    this.#countClosed(connection.startMs);
    this.#endIfEmpty();
  }

  #countClosed(startMs: number): void {
    this.#stats.active.dec();
    this.#stats.lengthMs.record(Math.trunc(this.#thread.clock.monotonicMs() - startMs));
  }

  #drainChain(chain: ChainConnections): void {
    if (chain.draining) return;
    chain.draining = true;
    if (this.#forgetIfDrained(chain)) return;
    this.#leaving.add(chain);
    for (const open of chain.all()) open.drain();
    const timer = this.#thread.clock.setTimer(
      this.#options.drainTimeMs,
      () => {
        this.#timers.delete(timer);
        for (const { connection } of chain.all()) connection.close("now");
        for (const [socket, of] of this.#pending) if (of === chain) socket.close();
      },
      true,
    );
    this.#timers.add(timer);
  }

  /** True: it has no connection, nor one that shakes hands. */
  #forgetIfDrained(chain: ChainConnections): boolean {
    if (!chain.draining || chain.size > 0 || this.#pending.values().some((of) => of === chain)) return false;
    this.#leaving.delete(chain);
    chain.chain.filter.release?.();
    return true;
  }

  #endIfEmpty(): void {
    if (!this.#ended || this.#open + this.#pending.size > 0) return;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#onEnd?.();
    this.#onEnd = undefined;
  }

  #onEnd: (() => void) | undefined;

  /** Called once, when it accepts no more and its last connection has gone. */
  whenEnded(callback: () => void): void {
    if (this.#ended && this.#open + this.#pending.size === 0) callback();
    else this.#onEnd = callback;
  }

  /** Gives the statistics back. Only when no other listener has the same address and stat name. */
  releaseStats(): void {
    this.#stats.scope.release();
  }
}

function infoOf(facts: ConnectionFacts, tls: TlsInfo | undefined): ConnectionInfo {
  const { destination: local, source: remote, directSource: directRemote, serverName } = facts;
  const { dynamicMetadata, proxyProtocolTlvs, ja3Fingerprint } = facts;
  const requestedServerName = serverName === "" ? undefined : serverName;
  return { local, remote, directRemote, requestedServerName, tls, ja3Fingerprint, dynamicMetadata, proxyProtocolTlvs };
}
