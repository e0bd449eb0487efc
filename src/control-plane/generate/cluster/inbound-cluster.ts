// The cluster of one port of the workload's own application.
import { create } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy as LbPolicy,
  ClusterSchema,
  type Cluster,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ConnectionPoolSettings } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import { socketAddress } from "#control-plane/generate/address";
import { durationOf } from "#control-plane/generate/duration";
import type { InboundPort, ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import type { Caller } from "./caller.ts";
import { circuitBreakers } from "./circuit-breakers.ts";
import { clusterMetadata } from "./cluster-metadata.ts";
import { inboundClusterName } from "./cluster-name.ts";
import { connectionOptions } from "./connection-options.ts";
import { connectTimeout, inboundSource } from "./fixed-cluster.ts";
import { httpOptions, upstreamProtocol } from "./http-options.ts";
import { statName } from "./stat-name.ts";
import { policyOfRule } from "./traffic-policy.ts";

/** "Never" for connections to the application, which come and go: the longest that Go's durations hold, as istiod says it. */
const NEVER_SECONDS = 9_223_372_035;
const LOCALHOST = { v4: "127.0.0.1", v6: "::1" } as const;

export interface InboundClusterInputs {
  readonly port: InboundPort;
  /** Of the deciding service: its limits hold on both sides of a call. */
  readonly rule: ResolvedDestinationRule | undefined;
  /** From the Sidecar that applies; it counts before the rule's. */
  readonly connectionPool: ConnectionPoolSettings | undefined;
  readonly mesh: MeshConfigSpec;
  readonly caller: Caller;
  readonly ipAddresses: readonly string[];
}

export function inboundCluster(inputs: InboundClusterInputs): Cluster {
  const { port, mesh, caller } = inputs;
  // A rule for chosen callers says nothing about the application's own side.
  const rule = inputs.rule?.spec.workloadSelector === undefined ? inputs.rule : undefined;
  const policy = policyOfRule(rule, "", port.port.number);
  const pool = inputs.connectionPool ?? policy.connectionPool;
  const name = inboundClusterName(port.targetPort);
  const endpoint = endpointOf(inputs);
  const keepalive = connectionOptions(mesh.tcpKeepalive, pool?.tcp?.tcpKeepalive);
  const timeoutMs = pool?.tcp?.connectTimeout;
  const services = servicesAt(port);
  return create(ClusterSchema, {
    name,
    altStatName: statName({
      pattern: mesh.inboundClusterStatName,
      clusterName: name,
      service: port.service,
      port: port.port,
      subset: "",
      targetPort: port.targetPort,
    }),
    ...(endpoint === undefined
      ? {
          clusterDiscoveryType: { case: "type", value: Discovery.ORIGINAL_DST },
          lbPolicy: LbPolicy.CLUSTER_PROVIDED,
          cleanupInterval: { seconds: BigInt(NEVER_SECONDS), nanos: 0 },
        }
      : {
          clusterDiscoveryType: { case: "type", value: Discovery.STATIC },
          loadAssignment: {
            clusterName: name,
            endpoints: [
              {
                lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: socketAddress(endpoint.address, endpoint.port) } } }],
              },
            ],
          },
        }),
    connectTimeout: timeoutMs === undefined ? connectTimeout(mesh) : durationOf(timeoutMs),
    ...(caller.bufferLimitBytes === undefined ? {} : { perConnectionBufferLimitBytes: caller.bufferLimitBytes }),
    commonLbConfig: {},
    circuitBreakers: circuitBreakers(pool, policy.retryBudget),
    ...(keepalive === undefined ? {} : { upstreamConnectionOptions: keepalive }),
    // Connections to any address but localhost would be captured again without this mark.
    ...(endpoint?.address === LOCALHOST.v4 || endpoint?.address === LOCALHOST.v6
      ? {}
      : { upstreamBindConfig: inboundSource(caller, false) }),
    typedExtensionProtocolOptions: httpOptions({
      upstream: upstreamProtocol(port.port.protocol, pool, caller, "never"),
      protocol: port.port.protocol,
      pool,
      preservesHeaderCase: caller.preservesHeaderCase,
    }),
    ...(services.length === 0
      ? {}
      : {
          metadata: clusterMetadata({ services, rule: rule?.spec.trafficPolicy === undefined ? undefined : rule.objects[0] }),
        }),
  });
}

/** Services of other ports that lead to the same target say nothing about this one. */
function servicesAt({ services, service, port }: InboundPort): readonly Service[] {
  return services.filter((candidate) => candidate === service || candidate.ports.some(({ number }) => number === port.number));
}

/** Undefined: the address that the connection came to. */
function endpointOf({
  port,
  mesh,
  caller,
  ipAddresses,
}: InboundClusterInputs): { readonly address: string; readonly port: number } | undefined {
  const written = port.defaultEndpoint;
  if (written === undefined) {
    // Without a Sidecar's word it is the mesh's.
    if (port.bindToPort || mesh.inboundTrafficPolicy?.mode !== "LOCALHOST") return undefined;
    return { address: caller.families === "v6" ? LOCALHOST.v6 : LOCALHOST.v4, port: port.targetPort };
  }
  return { address: addressOf(written.address, caller, ipAddresses), port: written.port };
}

/** 0.0.0.0 and :: stand for the workload's own address; localhost is that of the family that the workload has. */
function addressOf(written: string, caller: Caller, ipAddresses: readonly string[]): string {
  switch (written) {
    case "0.0.0.0":
      return ipAddresses.find((address) => !address.includes(":")) ?? LOCALHOST.v4;
    case "::":
      return ipAddresses.find((address) => address.includes(":")) ?? LOCALHOST.v6;
    case LOCALHOST.v4:
      return caller.families === "v6" ? LOCALHOST.v6 : LOCALHOST.v4;
    case LOCALHOST.v6:
      return caller.families === "v4" ? LOCALHOST.v4 : LOCALHOST.v6;
    default:
      return written;
  }
}
