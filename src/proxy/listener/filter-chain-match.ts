// Which filter chain takes a connection: a tree that is built when the listener arrives and walked once a connection. Envoy's order of
// criteria: destination port, destination address, server name, transport protocol, application protocol, direct source address, source
// type, source address, source port. Each step goes down the most specific branch that matches and never comes back to a less specific
// one, as in Envoy: a port that some chain names is lost to the chains that name none.
import type { CidrRange } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { FilterChainMatch_ConnectionSourceType as SourceType } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { FilterChainMatch } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { isPipe } from "#proxy/net/socket-address";
import { compileAddressRanges } from "#matcher/cidr";
import { asciiLower } from "#matcher/wire-text";
import { ipBytes } from "#proxy/codec/ip-address";
import type { SocketAddress } from "#proxy/net/connection";

/** What is known of a connection once its listener filters have run. */
export interface ChainInput {
  /** Where the client meant to go: the original destination where that was restored, else the local address. */
  readonly destination: SocketAddress;
  /** The client: by PROXY protocol where that was read, else the peer of the socket. */
  readonly source: SocketAddress;
  /** The peer of the socket. */
  readonly directSource: SocketAddress;
  /** SNI; "" when there is none or nobody looked. */
  readonly serverName: string;
  /** "tls" or "raw_buffer"; "" when nobody looked, which no chain can ask for. */
  readonly transportProtocol: string;
  /** ALPN of the ClientHello in its order, or what the HTTP inspector found. */
  readonly applicationProtocols: readonly string[];
}

type Report = (path: string, message: string) => void;

/** The index of the chain that takes the connection; undefined: none does, the default chain is asked; -1: nobody takes it. */
export type FilterChainMatcher = (input: ChainInput) => number | undefined;

/** Ranges of one criterion, the longest first; "" of the wire (no range given) takes every address and stands last. */
interface Ranges<Next> {
  readonly byKey: Map<string, Next>;
  /** Single IPv4 addresses, of which a listener may have thousands. */
  readonly single: Map<string, Next>;
  readonly wide: { readonly length: number; readonly contains: (address: string) => boolean; readonly next: Next }[];
}

type SourcePorts = Map<number, number>;
type Sources = Ranges<SourcePorts>;
type SourceTypes = Map<SourceType, Sources>;
type DirectSources = Ranges<SourceTypes>;
type ApplicationProtocols = Map<string, DirectSources>;
type TransportProtocols = Map<string, ApplicationProtocols>;
type ServerNames = Map<string, TransportProtocols>;
type Destinations = Ranges<ServerNames>;

const ANY_PORT = 0;

/** `matches`: one per chain, in order; undefined takes everything. Violations go to `report`, also of chains that take the same connections. */
export function compileFilterChainMatches(matches: readonly (FilterChainMatch | undefined)[], report: Report): FilterChainMatcher {
  const ports = new Map<number, Destinations>();
  for (const [index, match] of matches.entries()) insert(ports, match, index, `filter_chains[${index}].filter_chain_match`, report);
  // The usual listener has one chain that takes everything.
  const first = matches[0];
  if (matches.length === 1 && (first === undefined || takesEverything(first))) return () => 0;
  for (const destinations of ports.values()) sortRanges(destinations);
  return (input) => find(ports, input);
}

function takesEverything(match: FilterChainMatch): boolean {
  const { destinationPort, prefixRanges, serverNames, transportProtocol, applicationProtocols } = match;
  const lists = [
    prefixRanges,
    serverNames,
    applicationProtocols,
    match.directSourcePrefixRanges,
    match.sourcePrefixRanges,
    match.sourcePorts,
  ];
  const any = match.sourceType === SourceType.ANY;
  return destinationPort === undefined && transportProtocol === "" && any && lists.every(({ length }) => length === 0);
}

function find(ports: ReadonlyMap<number, Destinations>, input: ChainInput): number | undefined {
  const destinations = ports.get(input.destination.port) ?? ports.get(ANY_PORT);
  const names = rangeOf(destinations, input.destination.address);
  const protocols = names === undefined ? undefined : serverName(names, asciiLower(input.serverName));
  const applications = protocols?.get(input.transportProtocol) ?? protocols?.get("");
  const direct = applications === undefined ? undefined : applicationProtocol(applications, input.applicationProtocols);
  const types = rangeOf(direct, input.directSource.address);
  const sources = types === undefined ? undefined : sourceType(types, input);
  const sourcePorts = rangeOf(sources, input.source.address);
  return sourcePorts?.get(input.source.port) ?? sourcePorts?.get(ANY_PORT);
}

function rangeOf<Next>(ranges: Ranges<Next> | undefined, address: string): Next | undefined {
  if (ranges === undefined) return undefined;
  const single = ranges.single.get(address);
  if (single !== undefined) return single;
  for (const { contains, next } of ranges.wide) if (contains(address)) return next;
  return undefined;
}

/** `www.example.com` asks for itself, `.example.com`, `.com`, and what names no server. */
function serverName(names: ServerNames, requested: string): TransportProtocols | undefined {
  const exact = names.get(requested);
  if (exact !== undefined) return exact;
  for (let dot = requested.indexOf(".", 1); dot >= 0 && dot < requested.length - 1; dot = requested.indexOf(".", dot + 1)) {
    const wildcard = names.get(requested.slice(dot));
    if (wildcard !== undefined) return wildcard;
  }
  return names.get("");
}

function applicationProtocol(applications: ApplicationProtocols, requested: readonly string[]): DirectSources | undefined {
  for (const protocol of requested) {
    const found = applications.get(protocol);
    if (found !== undefined) return found;
  }
  return applications.get("");
}

/** As Envoy: of the loopback network only the two canonical addresses count. */
export function isLocalSource({ source, destination }: ChainInput): boolean {
  return isPipe(source) || source.address === "127.0.0.1" || source.address === "::1" || source.address === destination.address;
}

function sourceType(types: SourceTypes, input: ChainInput): Sources | undefined {
  return types.get(isLocalSource(input) ? SourceType.SAME_IP_OR_LOOPBACK : SourceType.EXTERNAL) ?? types.get(SourceType.ANY);
}

function insert(ports: Map<number, Destinations>, match: FilterChainMatch | undefined, index: number, path: string, report: Report): void {
  const portPath = `${path}.destination_port`;
  const destinationPort = checkedPort(match?.destinationPort, portPath, report) ?? ANY_PORT;
  const sourcePorts = (match?.sourcePorts ?? []).flatMap((port, at) => checkedPort(port, `${path}.source_ports[${at}]`, report) ?? []);
  const names = (match?.serverNames ?? []).flatMap((name, at) => checkedServerName(name, `${path}.server_names[${at}]`, report) ?? []);
  const protocols = match?.applicationProtocols ?? [];
  let overlaps: number | undefined;
  const endPorts = sourcePorts.length === 0 ? [ANY_PORT] : sourcePorts;
  const leaf = (sources: SourcePorts): void => {
    for (const port of endPorts) {
      const other = sources.get(port);
      if (other === undefined) sources.set(port, index);
      else overlaps ??= other;
    }
  };
  const destinations = child(ports, destinationPort, emptyRanges<ServerNames>);
  const destinationRanges = checkedRanges(match?.prefixRanges ?? [], `${path}.prefix_ranges`, report);
  const directRanges = checkedRanges(match?.directSourcePrefixRanges ?? [], `${path}.direct_source_prefix_ranges`, report);
  const sourceRanges = checkedRanges(match?.sourcePrefixRanges ?? [], `${path}.source_prefix_ranges`, report);
  eachRange(destinations, destinationRanges, newMap, (byName: ServerNames) => {
    for (const name of orNone(names)) {
      const byTransport = child(byName, name, newMap<string, ApplicationProtocols>);
      const byApplication = child(byTransport, match?.transportProtocol ?? "", newMap<string, DirectSources>);
      for (const protocol of orNone(protocols)) {
        const direct = child(byApplication, protocol, emptyRanges<SourceTypes>);
        eachRange(direct, directRanges, newMap, (types: SourceTypes) => {
          const sources = child(types, match?.sourceType ?? SourceType.ANY, emptyRanges<SourcePorts>);
          eachRange(sources, sourceRanges, newMap, leaf);
        });
      }
    }
  });
  // Envoy refuses two chains that take the same connections: which one did would be chance.
  if (overlaps !== undefined) report(path, `takes the same connections as filter_chains[${overlaps}]`);
}

const orNone = (list: readonly string[]): readonly string[] => (list.length === 0 ? [""] : list);

function newMap<Key, Value>(): Map<Key, Value> {
  return new Map();
}

function emptyRanges<Next>(): Ranges<Next> {
  return { byKey: new Map(), single: new Map(), wide: [] };
}

function child<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function checkedPort(port: number | undefined, path: string, report: Report): number | undefined {
  if (port === undefined) return undefined;
  if (port >= 1 && port <= 65_535) return port;
  report(path, `must be a port from 1 to 65535, not ${port}`);
  return undefined;
}

function checkedServerName(name: string, path: string, report: Report): string | undefined {
  const wildcard = name.startsWith("*.");
  if (name.includes("*", wildcard ? 1 : 0)) {
    report(path, `"${name}": a wildcard stands for whole labels at the beginning, as in "*.example.com"`);
    return undefined;
  }
  return asciiLower(wildcard ? name.slice(1) : name);
}

interface CheckedRange {
  readonly wire: CidrRange;
  /** The network's address and length: the same for every way to write the range. */
  readonly key: string;
}

function checkedRanges(list: readonly CidrRange[], path: string, report: Report): (CheckedRange | undefined)[] {
  if (list.length === 0) return [undefined];
  return list.flatMap((wire, at) => {
    try {
      compileAddressRanges([wire]);
      return [{ wire, key: networkKey(wire) }];
    } catch (error) {
      report(`${path}[${at}]`, error instanceof Error ? error.message : String(error));
      return [];
    }
  });
}

function networkKey({ addressPrefix, prefixLen = 0 }: CidrRange): string {
  const bytes = ipBytes(addressPrefix) ?? new Uint8Array();
  const masked = bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLen - at * 8))));
  return `${masked.join(".")}/${prefixLen}`;
}

function eachRange<Next>(
  ranges: Ranges<Next>,
  list: readonly (CheckedRange | undefined)[],
  make: () => Next,
  visit: (next: Next) => void,
): void {
  for (const range of list) {
    const key = range?.key ?? "";
    let next = ranges.byKey.get(key);
    if (next === undefined) {
      next = make();
      ranges.byKey.set(key, next);
      addRange(ranges, range?.wire, next);
    }
    visit(next);
  }
}

function addRange<Next>(ranges: Ranges<Next>, range: CidrRange | undefined, next: Next): void {
  if (range === undefined) ranges.wide.push({ length: -1, contains: () => true, next });
  else if (range.prefixLen === 32 && !range.addressPrefix.includes(":")) ranges.single.set(range.addressPrefix, next);
  else ranges.wide.push({ length: range.prefixLen ?? 0, contains: compileAddressRanges([range]), next });
}

function sortRanges(destinations: Destinations): void {
  const sort = <Next>({ wide, byKey }: Ranges<Next>, visit: (next: Next) => void): void => {
    wide.sort((a, b) => b.length - a.length);
    for (const next of byKey.values()) visit(next);
  };
  sort(destinations, (names) => {
    for (const transports of names.values()) {
      for (const applications of transports.values()) {
        for (const direct of applications.values()) sort(direct, (types) => types.forEach((sources) => sort(sources, () => {})));
      }
    }
  });
}
