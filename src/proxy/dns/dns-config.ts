// What a cluster of type STRICT_DNS or LOGICAL_DNS says of its lookups -> frozen DnsConfig, with Envoy's defaults.
import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { CaresDnsResolverConfigSchema } from "#envoy/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb";
import { nameOf, unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import type { BackOffOptions } from "#proxy/back-off";
import type { DnsLookupFamily } from "#proxy/net/dns-resolver";

export interface DnsConfig {
  /** Of everything that decides what is looked up and how: a cluster that changes otherwise goes on with the hosts it has. */
  readonly key: string;
  /** One host whose address is the first of the newest answer, instead of a host for each address. */
  readonly logical: boolean;
  /** As configured, with names for addresses. */
  readonly assignment: ClusterLoadAssignment;
  readonly family: DnsLookupFamily;
  readonly refreshMs: number;
  /** Added to a refresh by chance, up to this. */
  readonly jitterMs: number;
  /** After a lookup that failed; undefined: `refreshMs`. */
  readonly failureBackOff: BackOffOptions | undefined;
  readonly respectTtl: boolean;
}

type Refuse = (path: string, message: string) => void;

const DEFAULT_REFRESH_MS = 5_000;

const FAMILIES: Readonly<Record<Cluster_DnsLookupFamily, DnsLookupFamily>> = {
  [Cluster_DnsLookupFamily.AUTO]: "auto",
  [Cluster_DnsLookupFamily.V4_ONLY]: "v4",
  [Cluster_DnsLookupFamily.V6_ONLY]: "v6",
  [Cluster_DnsLookupFamily.V4_PREFERRED]: "v4-preferred",
  [Cluster_DnsLookupFamily.ALL]: "all",
};

export function readDns(wire: Cluster, assignment: ClusterLoadAssignment, refuse: Refuse): DnsConfig {
  const logical = wire.clusterDiscoveryType.value === Cluster_DiscoveryType.LOGICAL_DNS;
  if (logical && (assignment.endpoints.length !== 1 || assignment.endpoints[0]!.lbEndpoints.length !== 1))
    refuse("load_assignment", "LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint");
  refuseResolver(wire, refuse);
  const refreshMs = positive(wire.dnsRefreshRate, "dns_refresh_rate", refuse) ?? DEFAULT_REFRESH_MS;
  return Object.freeze({
    key: keyOf(wire),
    logical,
    // Envoy's LOGICAL_DNS knows no priorities.
    assignment: logical ? { ...assignment, endpoints: assignment.endpoints.map((locality) => ({ ...locality, priority: 0 })) } : assignment,
    family: FAMILIES[wire.dnsLookupFamily] ?? "auto",
    refreshMs,
    jitterMs: durationMs(wire.dnsJitter) ?? 0,
    failureBackOff: readFailureBackOff(wire, refuse),
    respectTtl: wire.respectDnsTtl,
  });
}

function readFailureBackOff({ dnsFailureRefreshRate: rate }: Cluster, refuse: Refuse): BackOffOptions | undefined {
  if (rate === undefined) return undefined;
  const baseMs = positive(rate.baseInterval, "dns_failure_refresh_rate.base_interval", refuse);
  if (baseMs === undefined) {
    refuse("dns_failure_refresh_rate.base_interval", "must be set");
    return undefined;
  }
  const maxMs = positive(rate.maxInterval, "dns_failure_refresh_rate.max_interval", refuse) ?? baseMs * 10;
  if (maxMs < baseMs) refuse("dns_failure_refresh_rate.max_interval", "must not be below base_interval");
  return { baseMs, maxMs };
}

function positive(duration: Duration | undefined, path: string, refuse: Refuse): number | undefined {
  const ms = durationMs(duration);
  if (ms !== undefined && ms < 1) refuse(path, "must be at least 1ms");
  return ms;
}

/** Names are looked up as this machine does: the fields that ask for other servers or another way have no row. */
function refuseResolver(wire: Cluster, refuse: Refuse): void {
  const any = wire.typedDnsResolverConfig?.typedConfig;
  if (any !== undefined && unpack(any, CaresDnsResolverConfigSchema) === undefined)
    refuse("typed_dns_resolver_config.typed_config", `DNS resolver ${nameOf(any.typeUrl)} is not known to this proxy`);
}

function keyOf(wire: Cluster): string {
  const { clusterDiscoveryType, dnsRefreshRate, dnsFailureRefreshRate, dnsJitter, loadAssignment } = wire;
  const { dnsLookupFamily, respectDnsTtl } = wire;
  const settings = create(ClusterSchema, {
    clusterDiscoveryType,
    dnsLookupFamily,
    respectDnsTtl,
    ...(dnsRefreshRate === undefined ? {} : { dnsRefreshRate }),
    ...(dnsFailureRefreshRate === undefined ? {} : { dnsFailureRefreshRate }),
    ...(dnsJitter === undefined ? {} : { dnsJitter }),
    ...(loadAssignment === undefined ? {} : { loadAssignment }),
  });
  return `dns ${wire.name} ${createHash("sha256").update(toBinary(ClusterSchema, settings)).digest("base64url")}`;
}
