// Istio's clusters that stand for no service.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy as LbPolicy,
  ClusterSchema,
  type Cluster,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { BindConfigSchema, type BindConfig } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { Http1ProtocolOptionsSchema, Http2ProtocolOptionsSchema } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { durationOf } from "#control-plane/generate/duration";
import { pack } from "#envoy/any";
import type { Caller } from "./caller.ts";
import { circuitBreakers } from "./circuit-breakers.ts";
import { ALLOW_ANY_DYNAMIC_DNS_CLUSTER, BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "./cluster-name.ts";
import { connectionOptions } from "./connection-options.ts";
import { dynamicForwardProxy } from "./dns.ts";
import { HTTP_OPTIONS } from "./http-options.ts";
import { metadataExchangeFilters } from "./metadata-exchange.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>;

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const PASSTHROUGH_IDLE_TIMEOUT_MS = 300_000;
/** Istio's sign to the inbound capture rules that a connection comes from the sidecar itself. */
const INBOUND_SOURCES = { v4: "127.0.0.6", v6: "::6" } as const;

export function connectTimeout(mesh: MeshConfigSpec) {
  return durationOf(mesh.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT_MS);
}

/** Where calls go that must not go anywhere: no endpoint, ever. */
export function blackHoleCluster(mesh: MeshConfigSpec): Cluster {
  return create(ClusterSchema, {
    name: BLACK_HOLE_CLUSTER,
    altStatName: `${BLACK_HOLE_CLUSTER};`,
    clusterDiscoveryType: { case: "type", value: Discovery.STATIC },
    connectTimeout: connectTimeout(mesh),
  });
}

/** Sends a connection to where it was going; it needs captured traffic to know that. */
export function passthroughCluster(mesh: MeshConfigSpec, caller: Caller): Cluster {
  return create(ClusterSchema, { ...passthrough(mesh, PASSTHROUGH_CLUSTER), filters: metadataExchangeFilters(caller) });
}

export function inboundPassthroughCluster(mesh: MeshConfigSpec, caller: Caller): Cluster {
  return create(ClusterSchema, {
    ...passthrough(mesh, INBOUND_PASSTHROUGH_CLUSTER),
    upstreamBindConfig: inboundSource(caller, caller.families === "both"),
  });
}

/** Looks up the host that each request of an unknown destination is for. */
export function allowAnyDynamicDnsCluster(mesh: MeshConfigSpec, caller: Caller): Cluster {
  return create(ClusterSchema, {
    ...passthrough(mesh, ALLOW_ANY_DYNAMIC_DNS_CLUSTER),
    altStatName: `${ALLOW_ANY_DYNAMIC_DNS_CLUSTER};`,
    clusterDiscoveryType: dynamicForwardProxy(ALLOW_ANY_DYNAMIC_DNS_CLUSTER, caller, true)!,
  });
}

export function inboundSource(caller: Caller, bothFamilies: boolean): BindConfig {
  const source = (address: string) => ({ address, portSpecifier: { case: "portValue" as const, value: 0 } });
  return create(BindConfigSchema, {
    sourceAddress: source(caller.families === "v6" ? INBOUND_SOURCES.v6 : INBOUND_SOURCES.v4),
    extraSourceAddresses: bothFamilies ? [{ address: source(INBOUND_SOURCES.v6) }] : [],
  });
}

function passthrough(mesh: MeshConfigSpec, name: string): ClusterInit {
  const keepalive = connectionOptions(mesh.tcpKeepalive, undefined);
  return {
    name,
    // Both directions share one name in statistics, as in Istio.
    altStatName: `${PASSTHROUGH_CLUSTER};`,
    clusterDiscoveryType: { case: "type", value: Discovery.ORIGINAL_DST },
    connectTimeout: connectTimeout(mesh),
    lbPolicy: LbPolicy.CLUSTER_PROVIDED,
    circuitBreakers: circuitBreakers(undefined),
    ...(keepalive === undefined ? {} : { upstreamConnectionOptions: keepalive }),
    typedExtensionProtocolOptions: {
      [HTTP_OPTIONS]: pack(
        HttpProtocolOptionsSchema,
        create(HttpProtocolOptionsSchema, {
          commonHttpProtocolOptions: { idleTimeout: durationOf(PASSTHROUGH_IDLE_TIMEOUT_MS) },
          upstreamProtocolOptions: {
            case: "useDownstreamProtocolConfig",
            value: {
              httpProtocolOptions: create(Http1ProtocolOptionsSchema),
              http2ProtocolOptions: create(Http2ProtocolOptionsSchema),
            },
          },
        }),
      ),
    },
  };
}
