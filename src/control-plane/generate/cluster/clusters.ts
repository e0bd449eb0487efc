// Clusters: one per visible service port and subset, those of inbound ports, and Istio's three fixed ones.
import { create } from "@bufbuild/protobuf";
import {
  ClusterSchema,
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy as LbPolicy,
  type Cluster,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { CircuitBreakers_Thresholds } from "#envoy/gen/envoy/config/cluster/v3/circuit_breaker_pb";
import { CircuitBreakers_ThresholdsSchema } from "#envoy/gen/envoy/config/cluster/v3/circuit_breaker_pb";
import { ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { Http1ProtocolOptionsSchema, Http2ProtocolOptionsSchema } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import {
  HttpProtocolOptions_ExplicitHttpConfigSchema as ExplicitSchema,
  HttpProtocolOptions_UseDownstreamHttpConfigSchema as UseDownstreamSchema,
  HttpProtocolOptionsSchema,
  type HttpProtocolOptions,
} from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import type { ConnectionPoolSettings, LoadBalancerSettings } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ProxyType } from "#control-plane/mesh/proxy";
import type { InboundPort, ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Protocol, Service, ServicePort } from "#control-plane/registry/service";
import { pack } from "#envoy/any";
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  inboundClusterName,
  outboundClusterName,
  PASSTHROUGH_CLUSTER,
} from "./cluster-name.ts";
import { durationOf } from "#control-plane/generate/duration";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { socketAddress } from "#control-plane/generate/address";
import { effectivePolicy, type EffectivePolicy } from "./traffic-policy.ts";

const UNLIMITED = 0xffff_ffff;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const PASSTHROUGH_IDLE_TIMEOUT_MS = 300_000;
/** Istio's sign to the inbound capture rules that a connection comes from the sidecar itself. */
const INBOUND_SOURCE = "127.0.0.6";
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Where calls go that must not go anywhere: no endpoint, ever. */
export function blackHoleCluster(config: MeshConfigSpec): Cluster {
  return create(ClusterSchema, {
    name: BLACK_HOLE_CLUSTER,
    altStatName: `${BLACK_HOLE_CLUSTER};`,
    clusterDiscoveryType: { case: "type", value: Discovery.STATIC },
    connectTimeout: connectTimeout(config),
  });
}

/** Clusters that send a connection to where it was going; they need captured traffic to know that. */
export function passthroughClusters(config: MeshConfigSpec): readonly Cluster[] {
  const passthrough = (name: string): Cluster =>
    create(ClusterSchema, {
      name,
      altStatName: `${PASSTHROUGH_CLUSTER};`,
      clusterDiscoveryType: { case: "type", value: Discovery.ORIGINAL_DST },
      connectTimeout: connectTimeout(config),
      lbPolicy: LbPolicy.CLUSTER_PROVIDED,
      circuitBreakers: { thresholds: [thresholds(undefined)] },
      typedExtensionProtocolOptions: {
        [HTTP_OPTIONS]: pack(
          HttpProtocolOptionsSchema,
          create(HttpProtocolOptionsSchema, {
            commonHttpProtocolOptions: { idleTimeout: durationOf(PASSTHROUGH_IDLE_TIMEOUT_MS) },
            upstreamProtocolOptions: upstreamProtocolOptions("downstream"),
          }),
        ),
      },
    });
  const inbound = passthrough(INBOUND_PASSTHROUGH_CLUSTER);
  inbound.upstreamBindConfig = create(ClusterSchema, {
    upstreamBindConfig: { sourceAddress: { address: INBOUND_SOURCE, portSpecifier: { case: "portValue", value: 0 } } },
  }).upstreamBindConfig!;
  return [inbound, passthrough(PASSTHROUGH_CLUSTER)];
}

/** The cluster of a service port and one for each subset of the rule. */
export function outboundClusters(
  service: Service,
  port: ServicePort,
  rule: ResolvedDestinationRule | undefined,
  caller: ProxyType,
  config: MeshConfigSpec,
): readonly Cluster[] {
  const host = rule?.spec.trafficPolicy;
  const subsets = rule?.spec.subsets ?? [];
  return [
    outboundCluster(service, port, "", effectivePolicy(host, undefined, port.number), rule, caller, config),
    ...subsets.map((subset) =>
      outboundCluster(service, port, subset.name, effectivePolicy(host, subset.trafficPolicy, port.number), rule, caller, config),
    ),
  ];
}

function outboundCluster(
  service: Service,
  port: ServicePort,
  subset: string,
  policy: EffectivePolicy,
  rule: ResolvedDestinationRule | undefined,
  caller: ProxyType,
  config: MeshConfigSpec,
): Cluster {
  const name = outboundClusterName(port.number, subset, service.hostname);
  const ruleObject = rule?.objects[0];
  const lbPolicy = loadBalancing(policy.loadBalancer);
  const original = lbPolicy === LbPolicy.CLUSTER_PROVIDED;
  const timeoutMs = policy.connectionPool?.tcp?.connectTimeout;
  // A sidecar speaks to a port of unknown protocol what its application speaks; gateways take HTTP/1.1.
  const upstream = port.protocol === "AUTO" && caller === "sidecar" ? "downstream" : upstreamProtocol(port.protocol);
  const httpOptions = httpProtocolOptions(upstream, policy.connectionPool);
  return create(ClusterSchema, {
    name,
    altStatName: `${name};`,
    clusterDiscoveryType: { case: "type", value: original ? Discovery.ORIGINAL_DST : Discovery.EDS },
    ...(original ? {} : { edsClusterConfig: { serviceName: name, edsConfig: adsSource() } }),
    connectTimeout: timeoutMs === undefined ? connectTimeout(config) : durationOf(timeoutMs),
    lbPolicy,
    // Fewer healthy hosts than Envoy's 50 % must not bring the unhealthy ones back.
    commonLbConfig: { healthyPanicThreshold: {} },
    circuitBreakers: { thresholds: [thresholds(policy.connectionPool)] },
    ...(httpOptions === undefined ? {} : { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: httpOptions } }),
    metadata: istioMetadata({
      ...(ruleObject === undefined ? {} : { config: configPath(ruleObject) }),
      services: [serviceMetadata(service)],
      ...(subset === "" ? {} : { subset }),
    }),
  });
}

/** The cluster of an inbound port whose application listens at a known address. */
export function inboundCluster(port: InboundPort, config: MeshConfigSpec): Cluster | undefined {
  if (port.defaultEndpoint === undefined) return undefined;
  const name = inboundClusterName(port.targetPort);
  const httpOptions = httpProtocolOptions(upstreamProtocol(port.port.protocol), undefined);
  return create(ClusterSchema, {
    name,
    altStatName: `${name};`,
    clusterDiscoveryType: { case: "type", value: Discovery.STATIC },
    connectTimeout: connectTimeout(config),
    commonLbConfig: {},
    circuitBreakers: { thresholds: [thresholds(undefined)] },
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: "endpoint",
                value: { address: socketAddress(port.defaultEndpoint.address, port.defaultEndpoint.port) },
              },
            },
          ],
        },
      ],
    },
    ...(httpOptions === undefined ? {} : { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: httpOptions } }),
    ...(port.service === undefined ? {} : { metadata: istioMetadata({ services: [serviceMetadata(port.service)] }) }),
  });
}

function serviceMetadata(service: Service) {
  return { host: service.hostname, name: service.name, namespace: service.namespace };
}

function adsSource() {
  return {
    configSourceSpecifier: { case: "ads" as const, value: {} },
    initialFetchTimeout: durationOf(0),
    resourceApiVersion: ApiVersion.V3,
  };
}

function connectTimeout(config: MeshConfigSpec) {
  return durationOf(config.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT_MS);
}

function loadBalancing(settings: LoadBalancerSettings | undefined): LbPolicy {
  switch (settings?.simple) {
    case "ROUND_ROBIN":
      return LbPolicy.ROUND_ROBIN;
    case "RANDOM":
      return LbPolicy.RANDOM;
    case "PASSTHROUGH":
      return LbPolicy.CLUSTER_PROVIDED;
    default:
      return LbPolicy.LEAST_REQUEST;
  }
}

/** Istio sets no limits of its own; a zero in a rule means the same as nothing written. */
function thresholds(pool: ConnectionPoolSettings | undefined): CircuitBreakers_Thresholds {
  return create(CircuitBreakers_ThresholdsSchema, {
    maxConnections: pool?.tcp?.maxConnections || UNLIMITED,
    maxPendingRequests: pool?.http?.http1MaxPendingRequests || UNLIMITED,
    maxRequests: pool?.http?.http2MaxRequests || UNLIMITED,
    maxRetries: pool?.http?.maxRetries || UNLIMITED,
  });
}

type UpstreamProtocol = "http1" | "http2" | "downstream";

function upstreamProtocol(protocol: Protocol): UpstreamProtocol {
  return protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-WEB" ? "http2" : "http1";
}

function httpProtocolOptions(upstream: UpstreamProtocol, pool: ConnectionPoolSettings | undefined) {
  const idleMs = pool?.http?.idleTimeout ?? pool?.tcp?.idleTimeout;
  const maxRequests = pool?.http?.maxRequestsPerConnection ?? 0;
  const lifeMs = pool?.tcp?.maxConnectionDuration;
  const common = {
    ...(idleMs === undefined ? {} : { idleTimeout: durationOf(idleMs) }),
    ...(maxRequests > 0 ? { maxRequestsPerConnection: maxRequests } : {}),
    ...(lifeMs === undefined ? {} : { maxConnectionDuration: durationOf(lifeMs) }),
  };
  const hasCommon = Object.keys(common).length > 0;
  if (upstream === "http1" && !hasCommon) return undefined;
  return pack(
    HttpProtocolOptionsSchema,
    create(HttpProtocolOptionsSchema, {
      ...(hasCommon ? { commonHttpProtocolOptions: common } : {}),
      upstreamProtocolOptions: upstreamProtocolOptions(upstream),
    }),
  );
}

function upstreamProtocolOptions(upstream: UpstreamProtocol): HttpProtocolOptions["upstreamProtocolOptions"] {
  const http2 = create(Http2ProtocolOptionsSchema);
  const http1 = create(Http1ProtocolOptionsSchema);
  if (upstream === "downstream") {
    return {
      case: "useDownstreamProtocolConfig",
      value: create(UseDownstreamSchema, { httpProtocolOptions: http1, http2ProtocolOptions: http2 }),
    };
  }
  return {
    case: "explicitHttpConfig",
    value: create(ExplicitSchema, {
      protocolConfig: upstream === "http2" ? { case: "http2ProtocolOptions", value: http2 } : { case: "httpProtocolOptions", value: http1 },
    }),
  };
}
