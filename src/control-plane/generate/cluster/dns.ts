// Clusters whose hosts are looked up by name: all answers, the first answer, or the name that each request is for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DnsLookupFamily as Family, type ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterConfigSchema as DynamicForwardProxySchema } from "#envoy/gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb";
import { DnsCacheConfigSchema, type DnsCacheConfig } from "#envoy/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb";
import { CaresDnsResolverConfigSchema } from "#envoy/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { durationOf } from "#control-plane/generate/duration";
import { pack } from "#envoy/any";
import type { Caller } from "./caller.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>;

const REFRESH_MS = 60_000;
const JITTER_MS = 100;
const UDP_QUERIES = 100;

export function dnsOptions(mesh: MeshConfigSpec, caller: Caller): ClusterInit {
  return {
    dnsLookupFamily: lookupFamily(caller),
    dnsRefreshRate: durationOf(mesh.dnsRefreshRate ?? REFRESH_MS),
    dnsJitter: durationOf(JITTER_MS),
    respectDnsTtl: true,
    typedDnsResolverConfig: {
      name: "envoy.network.dns_resolver.cares",
      typedConfig: pack(CaresDnsResolverConfigSchema, create(CaresDnsResolverConfigSchema, { udpMaxQueries: UDP_QUERIES })),
    },
  };
}

/** Shared by the clusters and the filters that look the same hosts up as requests come. */
export function dnsCacheConfig(host: string, caller: Caller): DnsCacheConfig {
  return create(DnsCacheConfigSchema, { name: `${host}_dfp_dns_cache`, dnsLookupFamily: lookupFamily(caller) });
}

/** `insecure`: TLS without a check of the server's name, which Envoy refuses unless it is said. */
export function dynamicForwardProxy(host: string, caller: Caller, insecure: boolean): ClusterInit["clusterDiscoveryType"] {
  const config = create(DynamicForwardProxySchema, {
    clusterImplementationSpecifier: { case: "dnsCacheConfig", value: dnsCacheConfig(host, caller) },
    allowInsecureClusterOptions: insecure,
  });
  return {
    case: "clusterType",
    value: { name: "envoy.clusters.dynamic_forward_proxy", typedConfig: pack(DynamicForwardProxySchema, config) },
  };
}

/** As istiod without its dual-stack feature: a proxy with both families looks for IPv4 addresses. */
function lookupFamily(caller: Caller): Family {
  return caller.families === "v6" ? Family.V6_ONLY : Family.V4_ONLY;
}
