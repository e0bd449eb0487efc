// Clusters for applications that speak xDS themselves with gRPC: only what gRPC knows of (gRFC A27, A32, A42, A50). It refuses a whole
// cluster for a policy that it does not have, so what it lacks is left out, as istiod does.
import { create } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy as LbPolicy,
  ClusterSchema,
  type Cluster,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { circuitBreakers } from "#control-plane/generate/cluster/circuit-breakers";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { loadBalancing } from "#control-plane/generate/cluster/load-balancer";
import { outboundPorts, type OutboundPort } from "#control-plane/generate/cluster/outbound-port";
import { outlierDetection } from "#control-plane/generate/cluster/outlier-detection";
import { serviceIdentities } from "#control-plane/generate/cluster/service-identity";
import { effectivePolicy, needsMissingCertificate } from "#control-plane/generate/cluster/traffic-policy";
import { upstreamTlsSocket } from "#control-plane/generate/transport-socket/transport-socket";
import type { Mesh, ProxyView } from "#control-plane/mesh/mesh";
import { upstreamContext } from "./proxyless-tls.ts";

export function proxylessClusters(view: ProxyView): readonly Cluster[] {
  return outboundPorts(view).flatMap((outbound) =>
    // Also of a headless Service: gRPC has no clusters that keep to an address that was dialled.
    outbound.service.resolution === "EDS" || outbound.service.resolution === "NONE"
      ? outbound.subsets.map((subset) => cluster(view.mesh, outbound, subset))
      : [],
  );
}

function cluster(mesh: Mesh, { service, port, rule }: OutboundPort, subset: string): Cluster {
  const name = outboundClusterName(port.number, subset, service.hostname);
  const policy = effectivePolicy(rule, subset, port.number, mesh.config);
  const balancing = loadBalancing(policy.loadBalancer);
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Discovery.EDS },
    edsClusterConfig: {
      serviceName: name,
      edsConfig: { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: ApiVersion.V3 },
    },
    ...(balancing.lbPolicy === LbPolicy.RING_HASH ? balancing : { lbPolicy: LbPolicy.ROUND_ROBIN }),
    circuitBreakers: circuitBreakers(policy.connectionPool, undefined),
    ...(policy.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(policy.outlierDetection) }),
    // Only where a rule says so: nobody can know whether a server takes its certificates from xDS.
    ...(policy.tls?.mode === "ISTIO_MUTUAL" && !needsMissingCertificate(policy, mesh.hasCertificateAuthority)
      ? { transportSocket: upstreamTlsSocket(upstreamContext(identities(mesh, service))) }
      : {}),
  });
}

function identities(mesh: Mesh, service: OutboundPort["service"]): readonly string[] {
  const endpoints = service.ports.flatMap((port) => mesh.endpoints(service.hostname, port.number, service.namespace));
  return serviceIdentities(service, endpoints, mesh.config);
}
