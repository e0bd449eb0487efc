// One filter chain on its way into a listener: under which conditions it counts, and what goes through it.
import { create } from "@bufbuild/protobuf";
import type { CidrRange } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { Metadata, TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import {
  FilterChainMatchSchema,
  FilterChainSchema,
  type Filter,
  type FilterChain,
  type FilterChainMatch,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { durationOf } from "#control-plane/generate/duration";
import { cidrRange, networkKey } from "./cidr-range.ts";

/** All of them must hold; an empty one always does. */
export interface ChainConditions {
  readonly serverNames?: readonly string[];
  /** Addresses or networks that the caller addressed. */
  readonly destinations?: readonly string[];
  readonly applicationProtocols?: readonly string[];
  readonly transportProtocol?: "" | "raw_buffer" | "tls";
}

export interface ChainPlan extends ChainConditions {
  readonly filters: readonly Filter[];
  /** TLS that ends at the listener. */
  readonly transportSocket?: TransportSocket;
  /** The object that the chain comes from. */
  readonly metadata?: Metadata;
}

/** Against clients that begin a TLS handshake and never end it. */
const HANDSHAKE_TIMEOUT_MS = 15_000;

export function filterChain(plan: ChainPlan): FilterChain {
  const match = filterChainMatch(plan);
  return create(FilterChainSchema, {
    filters: [...plan.filters],
    transportSocketConnectTimeout: durationOf(HANDSHAKE_TIMEOUT_MS),
    ...(match === undefined ? {} : { filterChainMatch: match }),
    ...(plan.metadata === undefined ? {} : { metadata: plan.metadata }),
    ...(plan.transportSocket === undefined ? {} : { transportSocket: plan.transportSocket }),
  });
}

export function matchesAll(chain: ChainConditions): boolean {
  const { serverNames = [], destinations = [], applicationProtocols = [], transportProtocol = "" } = chain;
  return (
    (serverNames.length === 0 || serverNames.includes("*")) &&
    destinations.length === 0 &&
    applicationProtocols.length === 0 &&
    transportProtocol === ""
  );
}

/** Undefined for a chain that takes everything. */
function filterChainMatch(chain: ChainConditions): FilterChainMatch | undefined {
  if (matchesAll(chain)) return undefined;
  const names = chain.serverNames ?? [];
  return create(FilterChainMatchSchema, {
    applicationProtocols: [...(chain.applicationProtocols ?? [])],
    transportProtocol: chain.transportProtocol ?? "",
    serverNames: names.includes("*") ? [] : [...names].sort(),
    prefixRanges: ranges(chain),
  });
}

/** Equal for chains that would be asked under the same conditions: Envoy refuses a listener with two such chains. */
export function conditionsKey(chain: ChainConditions): string {
  return JSON.stringify([
    chain.transportProtocol ?? "",
    chain.applicationProtocols ?? [],
    distinct((chain.serverNames ?? []).filter((name) => name !== "*")),
    distinct(ranges(chain).map(networkKey)),
  ]);
}

/** 0.0.0.0 is everywhere, which is no condition. */
function ranges(chain: ChainConditions): CidrRange[] {
  return [...(chain.destinations ?? [])].sort().flatMap((address) => {
    const range = cidrRange(address);
    return range === undefined || range.addressPrefix === "0.0.0.0" ? [] : [range];
  });
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
