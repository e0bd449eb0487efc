// Which filter chain takes a connection. Envoy's order: destination port, destination address, server name, transport protocol,
// application protocol, direct source address, source type, source address, source port. Each step keeps the most specific
// candidates and never comes back to less specific ones, exactly as Envoy does.
import type { CidrRange } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { FilterChainMatch_ConnectionSourceType as SourceType } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { FilterChainMatch } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { compileAddressRanges } from "#matcher/cidr";
import type { SocketAddress } from "#proxy/net/connection";

/** What matching looks at. */
export interface ChainInput {
  readonly destination: SocketAddress;
  readonly source: SocketAddress;
}

interface Range {
  readonly length: number;
  readonly contains: (address: string) => boolean;
}

export interface ChainMatch {
  readonly destinationPort: number | undefined;
  readonly destinations: readonly Range[];
  readonly transportProtocol: string;
  readonly directSources: readonly Range[];
  readonly sourceType: SourceType;
  readonly sources: readonly Range[];
  readonly sourcePorts: ReadonlySet<number>;
}

type Report = (path: string, message: string) => void;

export const MATCHES_ALL: ChainMatch = {
  destinationPort: undefined,
  destinations: [],
  transportProtocol: "",
  directSources: [],
  sourceType: SourceType.ANY,
  sources: [],
  sourcePorts: new Set(),
};

export function compileChainMatch(wire: FilterChainMatch | undefined, path: string, report: Report): ChainMatch {
  if (wire === undefined) return MATCHES_ALL;
  const ranges = (list: readonly CidrRange[], field: string): Range[] =>
    list.flatMap((range, index) => {
      try {
        return [{ length: range.prefixLen ?? 0, contains: compileAddressRanges([range]) }];
      } catch (error) {
        report(`${path}.${field}[${index}]`, error instanceof Error ? error.message : String(error));
        return [];
      }
    });
  if (wire.serverNames.length > 0) report(`${path}.server_names`, "tls is not served yet");
  if (wire.applicationProtocols.length > 0) report(`${path}.application_protocols`, "protocol detection is not served yet");
  if (wire.transportProtocol !== "" && wire.transportProtocol !== "raw_buffer") {
    report(`${path}.transport_protocol`, `"${wire.transportProtocol}" is not served yet`);
  }
  return {
    destinationPort: wire.destinationPort,
    destinations: ranges(wire.prefixRanges, "prefix_ranges"),
    transportProtocol: wire.transportProtocol,
    directSources: ranges(wire.directSourcePrefixRanges, "direct_source_prefix_ranges"),
    sourceType: wire.sourceType,
    sources: ranges(wire.sourcePrefixRanges, "source_prefix_ranges"),
    sourcePorts: new Set(wire.sourcePorts),
  };
}

/** The index of the chain that takes the connection; undefined: none does, the default chain is asked. */
export function matchChain(chains: readonly ChainMatch[], input: ChainInput): number | undefined {
  // The usual listener has one chain that takes everything.
  if (chains.length === 1 && chains[0] === MATCHES_ALL) return 0;
  let left = chains.map((match, index) => ({ match, index }));
  const keep = (specificity: (match: ChainMatch) => number): void => {
    let best = 0;
    const scores = left.map(({ match }) => {
      const score = specificity(match);
      if (score > best) best = score;
      return score;
    });
    left = left.filter((_, at) => scores[at] === best);
  };
  // -1: does not match; 0: says nothing of it; above: more specific is greater. When all that is left says -1, nothing is.
  keep(({ destinationPort }) => (destinationPort === undefined ? 0 : destinationPort === input.destination.port ? 1 : -1));
  keep(({ destinations }) => longest(destinations, input.destination.address));
  keep(({ transportProtocol }) => (transportProtocol === "" ? 0 : 1));
  keep(({ directSources }) => longest(directSources, input.source.address));
  keep(({ sourceType }) => sourceScore(sourceType, input));
  keep(({ sources }) => longest(sources, input.source.address));
  keep(({ sourcePorts }) => (sourcePorts.size === 0 ? 0 : sourcePorts.has(input.source.port) ? 1 : -1));
  return left[0]?.index;
}

/** One more than the length of the longest range with the address, so that 0.0.0.0/0 is more specific than no range. */
function longest(ranges: readonly Range[], address: string): number {
  if (ranges.length === 0) return 0;
  let best = -1;
  for (const { length, contains } of ranges) if (length + 1 > best && contains(address)) best = length + 1;
  return best;
}

const isLoopback = compileAddressRanges([
  { addressPrefix: "127.0.0.0", prefixLen: 8 },
  { addressPrefix: "::1", prefixLen: 128 },
]);

function sourceScore(type: SourceType, { source, destination }: ChainInput): number {
  if (type === SourceType.ANY) return 0;
  const local = isLoopback(source.address) || source.address === destination.address;
  return (type === SourceType.SAME_IP_OR_LOOPBACK) === local ? 1 : -1;
}
