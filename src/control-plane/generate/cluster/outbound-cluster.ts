// The cluster of one service port and subset, as one kind of caller uses it.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy as LbPolicy,
  ClusterSchema,
  type Cluster,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { durationOf } from "#control-plane/generate/duration";
import { keepsDrainingEndpoints } from "#control-plane/generate/endpoint/load-assignment";
import { localityPreference, sendsUnhealthyEndpoints, weighsLocalities } from "#control-plane/generate/endpoint/locality-setting";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Service, ServicePort } from "#control-plane/registry/service";
import type { Caller } from "./caller.ts";
import { circuitBreakers } from "./circuit-breakers.ts";
import { clusterMetadata } from "./cluster-metadata.ts";
import { outboundClusterName, outboundServerName } from "./cluster-name.ts";
import { connectionOptions } from "./connection-options.ts";
import { discoveryOf, type Discovered } from "./discovery.ts";
import { dnsOptions, dynamicForwardProxy } from "./dns.ts";
import { connectTimeout } from "./fixed-cluster.ts";
import { httpOptions, upstreamProtocol } from "./http-options.ts";
import { loadBalancing } from "./load-balancer.ts";
import { metadataExchangeFilters } from "./metadata-exchange.ts";
import { outlierDetection } from "./outlier-detection.ts";
import { statName } from "./stat-name.ts";
import { effectivePolicy, needsMissingCertificate, type EffectivePolicy } from "./traffic-policy.ts";
import { upstreamSecurity, type Security } from "./upstream-security.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>;

export interface OutboundClusterInputs {
  readonly service: Service;
  readonly port: ServicePort;
  /** "" for the service as a whole. */
  readonly subset: string;
  readonly rule: ResolvedDestinationRule | undefined;
  readonly mesh: MeshConfigSpec;
  readonly hasCertificateAuthority: boolean;
  readonly caller: Caller;
  /**
   * `sni-dnat`: the cluster of a gateway that passes mutual TLS through by server name, which adds no TLS of its own.
   */
  readonly mode: "default" | "sni-dnat";
  readonly identities: readonly string[];
  readonly autoMutualTls: boolean;
  /** Where the proxy looks names up: the names. */
  readonly loadAssignment: () => ClusterLoadAssignment;
}

/** Undefined where Envoy could not have it: a cluster of names without any, or of a protocol that shows no name to look up. */
export function outboundCluster(inputs: OutboundClusterInputs): Cluster | undefined {
  const { service, port, subset, rule, mesh, caller, mode } = inputs;
  const written = effectivePolicy(rule, subset, port.number, mesh);
  const discovery = discoveryOf(service, port, written, caller);
  if (discovery === undefined) return undefined;
  const uncertified = needsMissingCertificate(written, inputs.hasCertificateAuthority);
  // Only a cluster that is told its endpoints can be left without any.
  if (uncertified && discovery.kind !== "eds") return undefined;
  const policy = uncertified ? withoutTls(written) : written;
  const name =
    mode === "default"
      ? outboundClusterName(port.number, subset, service.hostname)
      : outboundServerName(port.number, subset, service.hostname);
  const upstream = upstreamProtocol(port.protocol, policy.connectionPool, caller, mesh.h2UpgradePolicy);
  const security = mode === "default" ? securityOf(inputs, policy, discovery, upstream === "http2") : PASSED_THROUGH;
  const endpoints = discovery.kind === "dns" ? inputs.loadAssignment() : undefined;
  if (endpoints !== undefined && endpoints.endpoints.length === 0) return undefined;
  const timeoutMs = policy.connectionPool?.tcp?.connectTimeout;
  const keepalive = connectionOptions(mesh.tcpKeepalive, policy.connectionPool?.tcp?.tcpKeepalive);
  return create(ClusterSchema, {
    name,
    altStatName: statName({ pattern: mesh.outboundClusterStatName, clusterName: name, service, port, subset, targetPort: 0 }),
    ...discoveryFields(discovery, name, inputs, policy),
    ...(endpoints === undefined ? {} : { loadAssignment: endpoints }),
    connectTimeout: timeoutMs === undefined ? connectTimeout(mesh) : durationOf(timeoutMs),
    ...(caller.bufferLimitBytes === undefined ? {} : { perConnectionBufferLimitBytes: caller.bufferLimitBytes }),
    commonLbConfig: commonLbConfig(service, policy, mesh, subset),
    circuitBreakers: circuitBreakers(policy.connectionPool, policy.retryBudget),
    ...(policy.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(policy.outlierDetection) }),
    ...(keepalive === undefined ? {} : { upstreamConnectionOptions: keepalive }),
    ...security.sockets,
    typedExtensionProtocolOptions: httpOptions({
      upstream,
      protocol: port.protocol,
      pool: policy.connectionPool,
      preservesHeaderCase: caller.preservesHeaderCase,
      autoSni: security.autoSni,
      autoSanValidation: security.autoSanValidation,
    }),
    filters: metadataExchangeFilters(caller),
    metadata: clusterMetadata({
      services: [service],
      rule: rule?.objects[0],
      subset,
      external: service.external && subset === "",
      tls: rule === undefined ? undefined : policy.tls,
    }),
  });
}

function withoutTls(policy: EffectivePolicy): EffectivePolicy {
  const { tls: _, ...others } = policy;
  return others;
}

const PASSED_THROUGH: Security = { sockets: {}, autoSni: false, autoSanValidation: false };

function securityOf(inputs: OutboundClusterInputs, policy: EffectivePolicy, discovery: Discovered, http2: boolean): Security {
  const { service, port, subset, rule, mesh, caller } = inputs;
  return upstreamSecurity({
    policy,
    mesh,
    service,
    caller,
    serverName: outboundServerName(port.number, subset, service.hostname),
    identities: inputs.identities,
    autoMutualTls: inputs.autoMutualTls,
    http2,
    originalDestination: discovery.kind === "original-destination",
    dynamicDns: discovery.kind === "dynamic-dns",
    forChosenCallers: rule?.spec.workloadSelector !== undefined,
  });
}

function discoveryFields(discovery: Discovered, name: string, inputs: OutboundClusterInputs, policy: EffectivePolicy): ClusterInit {
  const { service, mesh, caller } = inputs;
  switch (discovery.kind) {
    case "eds":
      return {
        clusterDiscoveryType: { case: "type", value: Discovery.EDS },
        edsClusterConfig: {
          serviceName: name,
          edsConfig: {
            configSourceSpecifier: { case: "ads", value: {} },
            // A cluster waits for its endpoints for as long as it takes.
            initialFetchTimeout: durationOf(0),
            resourceApiVersion: ApiVersion.V3,
          },
        },
        ...loadBalancing(policy.loadBalancer),
      };
    case "dns":
      return {
        clusterDiscoveryType: { case: "type", value: discovery.firstAnswer ? Discovery.LOGICAL_DNS : Discovery.STRICT_DNS },
        ...dnsOptions(mesh, caller),
        ...loadBalancing(policy.loadBalancer),
      };
    case "dynamic-dns": {
      const insecure = policy.tls?.insecureSkipVerify === true && (policy.tls.mode === "SIMPLE" || policy.tls.mode === "MUTUAL");
      const type = dynamicForwardProxy(service.hostname, caller, insecure);
      return { ...(type === undefined ? {} : { clusterDiscoveryType: type }), lbPolicy: LbPolicy.CLUSTER_PROVIDED };
    }
    case "original-destination":
      return {
        clusterDiscoveryType: { case: "type", value: Discovery.ORIGINAL_DST },
        lbPolicy: LbPolicy.CLUSTER_PROVIDED,
        ...(discovery.port === undefined
          ? {}
          : { lbConfig: { case: "originalDstLbConfig", value: { upstreamPortOverride: discovery.port } } }),
      };
  }
}

function commonLbConfig(service: Service, policy: EffectivePolicy, mesh: MeshConfigSpec, subset: string): ClusterInit["commonLbConfig"] {
  const preference = localityPreference(service, policy, mesh);
  const least = policy.outlierDetection?.minHealthPercent ?? 0;
  return {
    // Fewer healthy endpoints than Envoy's 50 % must not bring the others back, unless a rule says from where on.
    healthyPanicThreshold: { value: sendsUnhealthyEndpoints(service) ? 0 : Math.max(0, least) },
    ...(preference !== undefined && weighsLocalities(preference)
      ? { localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} } }
      : {}),
    ...(keepsDrainingEndpoints(service) && subset === ""
      ? {
          overrideHostStatus: {
            statuses: [HealthStatus.HEALTHY, HealthStatus.DRAINING, HealthStatus.UNKNOWN, HealthStatus.DEGRADED],
          },
        }
      : {}),
  };
}
