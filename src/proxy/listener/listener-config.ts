// Listener -> compiled ListenerConfig. Compiling on the main thread (without a thread context) finds everything that is wrong; traffic
// threads compile the same bytes again with their own context.
import { equals } from "@bufbuild/protobuf";
import { Listener_DrainType, ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { TrafficDirection } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { FilterChainSchema } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { FilterChain as WireChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { durationMs } from "#envoy/duration";
import { compileAccessLog } from "#proxy/access-log/access-log";
import type { CompiledAccessLog } from "#proxy/access-log/access-log";
import { Violations } from "#proxy/field-check";
import type { SocketAddress } from "#proxy/net/connection";
import { addressText } from "#proxy/net/socket-address";
import { compileDownstreamTransport } from "#proxy/transport-socket/downstream-tls";
import type { DownstreamTls } from "#proxy/transport-socket/downstream-tls";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import type { ThreadContext } from "#proxy/thread-context";
import { compileNetworkFilters } from "./filter-chain.ts";
import { compileFilterChainMatches } from "./filter-chain-match.ts";
import { compileFilterChainMatcher } from "./filter-chain-matcher.ts";
import type { FilterChainMatcher } from "./filter-chain-match.ts";
import { listenAddresses } from "./listen-address.ts";
import type { ListenAddress } from "./listen-address.ts";
import { compileListenerFilters } from "./listener-filters.ts";
import type { ListenerFilterChain } from "./listener-filters.ts";
import type { ConnectionContext, NetworkFilterCompiler, NetworkFilterFactory } from "./network-filter.ts";

export interface FilterChain {
  readonly name: string;
  readonly filter: NetworkFilterFactory;
  /** Undefined: plain text. */
  readonly tls: DownstreamTls | undefined;
  /** How long a handshake may take; 0: for ever. */
  readonly handshakeTimeoutMs: number;
  readonly wire: WireChain;
}

export interface ListenerConfig {
  readonly name: string;
  readonly addresses: readonly SocketAddress[];
  /** All that must stay the same for a chain to stay. */
  readonly withoutChains: Listener;
  /** The same, with what it wants of its sockets there. */
  readonly listenAddresses: readonly ListenAddress[];
  /** IP_TRANSPARENT: where a connection arrives at is where its client meant to go. */
  readonly transparent: boolean;
  /** False: it takes only connections that another listener hands to it. */
  readonly bindToPort: boolean;
  /** use_original_dst: a connection with a restored destination goes to the listener that has this address, if any. */
  readonly handsOff: boolean;
  readonly listenerFilters: ListenerFilterChain;
  /** Of connections, whatever their chain logs of requests. */
  readonly accessLog: CompiledAccessLog | undefined;
  /** What stands in `listener.<statName>.`: the stat prefix, else the address with ":" as "_". */
  readonly statName: string;
  readonly direction: ConnectionContext["direction"];
  /** drain_type MODIFY_ONLY. */
  readonly modifyOnly: boolean;
  /** per_connection_buffer_limit_bytes; undefined: our defaults. */
  readonly bufferLimitBytes: number | undefined;
  readonly chains: readonly FilterChain[];
  /** Says which of `chains` takes a connection. */
  readonly matcher: FilterChainMatcher;
  readonly defaultChain: FilterChain | undefined;
  /** What its chains need before they can serve. */
  readonly secrets: readonly SecretNeed[];
}

/**
 * `before`: chains of the same content are taken over with their compiled filters, so that their connections need not drain. As in
 * Envoy only where nothing but chains has changed: all connections of a listener with other listener filters, say, drain.
 * @throws ConfigError with all violations
 */
export function compileListener(
  wire: Listener,
  filters: readonly NetworkFilterCompiler[],
  thread: ThreadContext | undefined,
  before?: ListenerConfig,
): ListenerConfig {
  const withoutChains: Listener = { ...wire, filterChains: [], defaultFilterChain: undefined, filterChainMatcher: undefined };
  const previous = before !== undefined && equals(ListenerSchema, before.withoutChains, withoutChains) ? before : undefined;
  const violations = new Violations();
  if (wire.perConnectionBufferLimitBytes === 0)
    violations.add("per_connection_buffer_limit_bytes", "must be above 0, buffers without a limit are not served");
  const listenerFilters = compileListenerFilters(wire, thread?.stats, violations);
  let accessLog: CompiledAccessLog | undefined;
  try {
    accessLog = wire.accessLog.length === 0 ? undefined : compileAccessLog(wire.accessLog, "access_log");
  } catch (error) {
    violations.addFrom(error, "access_log");
  }
  const places = listenAddresses(wire, violations);
  const addresses = places.map(({ address }) => address);
  const compile = (chain: WireChain, path: string): FilterChain | undefined =>
    findSame(chain, previous) ?? compileChain(chain, path, filters, thread, violations);
  const chains = wire.filterChains.flatMap((chain, index) => compile(chain, `filter_chains[${index}]`) ?? []);
  const defaultChain = wire.defaultFilterChain === undefined ? undefined : compile(wire.defaultFilterChain, "default_filter_chain");
  if (wire.filterChains.length === 0 && wire.defaultFilterChain === undefined)
    violations.add("filter_chains", "no filter chain: nothing would be served");
  const matcher =
    wire.filterChainMatcher === undefined
      ? compileFilterChainMatches(
          wire.filterChains.map(({ filterChainMatch }) => filterChainMatch),
          violations.add,
        )
      : compileFilterChainMatcher(wire.filterChainMatcher, wire.filterChains, violations.add);
  if (violations.any) {
    // What was compiled for this listener will never be asked to accept.
    const kept = new Set([...(previous?.chains ?? []), previous?.defaultChain]);
    for (const chain of [...chains, defaultChain]) if (chain !== undefined && !kept.has(chain)) chain.filter.release?.();
  }
  violations.throwIfAny(`listener "${wire.name}"`);
  const first = addresses[0];
  const address = first === undefined ? "" : addressText(first);
  return Object.freeze({
    name: wire.name,
    withoutChains,
    addresses,
    listenAddresses: places,
    transparent: wire.transparent ?? false,
    bindToPort: wire.bindToPort ?? true,
    handsOff: wire.useOriginalDst ?? false,
    listenerFilters,
    accessLog,
    statName: wire.statPrefix === "" ? address.replaceAll(":", "_") : wire.statPrefix,
    direction: direction(wire.trafficDirection),
    modifyOnly: wire.drainType === Listener_DrainType.MODIFY_ONLY,
    bufferLimitBytes: wire.perConnectionBufferLimitBytes,
    chains,
    matcher,
    defaultChain,
    secrets: [...chains, defaultChain].flatMap((chain) => chain?.tls?.needs ?? []),
  });
}

function findSame(chain: WireChain, previous: ListenerConfig | undefined): FilterChain | undefined {
  if (previous === undefined) return undefined;
  for (const old of previous.chains) if (equals(FilterChainSchema, old.wire, chain)) return old;
  const { defaultChain } = previous;
  return defaultChain !== undefined && equals(FilterChainSchema, defaultChain.wire, chain) ? defaultChain : undefined;
}

function compileChain(
  chain: WireChain,
  path: string,
  filters: readonly NetworkFilterCompiler[],
  thread: ThreadContext | undefined,
  violations: Violations,
): FilterChain | undefined {
  const tls = compileDownstreamTransport(chain.transportSocket, `${path}.transport_socket`, violations.add);
  const handshakeTimeoutMs = durationMs(chain.transportSocketConnectTimeout) ?? 0;
  const filter = compileNetworkFilters(chain.filters, `${path}.filters`, filters, thread, violations);
  return filter === undefined ? undefined : { name: chain.name, filter, tls, handshakeTimeoutMs, wire: chain };
}

function direction(value: TrafficDirection): ConnectionContext["direction"] {
  if (value === TrafficDirection.INBOUND) return "INBOUND";
  return value === TrafficDirection.OUTBOUND ? "OUTBOUND" : "UNSPECIFIED";
}
