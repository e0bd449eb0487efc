// The filters of a chain that carries opaque connections, in Istio's order.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { MongoProxySchema } from "#envoy/gen/envoy/extensions/filters/network/mongo_proxy/v3/mongo_proxy_pb";
import { TcpProxySchema, type TcpProxy } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { BLACK_HOLE_CLUSTER } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import type { FilterInputs, ListenerClass } from "#control-plane/generate/filter-inputs";
import type { Protocol } from "#control-plane/registry/service";
import { accessLogs } from "./access-log.ts";
import { idleTimeoutMs } from "./idle-timeout.ts";
import { connectionStats, metadataExchange } from "./istio-filters.ts";
import { networkFilter } from "./network-filter.ts";

/** Where connections go and what the way there is called; the rest of Envoy's settings as they come. */
export type TcpProxySettings = Exclude<MessageInitShape<typeof TcpProxySchema>, TcpProxy> & { readonly statPrefix: string };

/** Statistics bear the cluster's name unless they have one of their own. */
export function proxyTo(cluster: string, statPrefix = cluster): TcpProxySettings {
  return { statPrefix, clusterSpecifier: { case: "cluster", value: cluster } };
}

export interface TcpChain {
  readonly class: ListenerClass;
  readonly protocol: Protocol;
  readonly proxy: TcpProxySettings;
}

// CUSTOM authorization, then DENY and ALLOW authorization, stand between metadataExchange and connectionStats.
export function tcpFilters(chain: TcpChain, inputs: FilterInputs): Filter[] {
  return [
    ...(chain.class === "sidecar-inbound" ? metadataExchange(inputs) : []),
    ...connectionStats(chain.class, inputs),
    ...mongoProxy(chain),
    tcpProxy(chain.proxy, inputs),
  ];
}

/** Counts Mongo's operations; bytes go on untouched. istiod's filters for Redis and MySQL are off unless an operator asks for them. */
function mongoProxy({ protocol, proxy }: TcpChain): readonly Filter[] {
  if (protocol !== "MONGO") return [];
  return [networkFilter("envoy.filters.network.mongo_proxy", MongoProxySchema, { statPrefix: proxy.statPrefix })];
}

function tcpProxy(settings: TcpProxySettings, inputs: FilterInputs): Filter {
  const idleMs = idleTimeoutMs(inputs.node);
  return networkFilter("envoy.filters.network.tcp_proxy", TcpProxySchema, {
    ...(idleMs === undefined ? {} : { idleTimeout: durationOf(idleMs) }),
    accessLog: accessLogs(inputs.config),
    ...settings,
  });
}

/** Ends every connection: for those that were addressed to a capturing port itself and would come back without end. */
export function blackHoleFilters(listenerClass: "sidecar-inbound" | "sidecar-outbound", inputs: FilterInputs): Filter[] {
  return [
    ...(listenerClass === "sidecar-inbound" ? metadataExchange(inputs) : []),
    ...connectionStats(listenerClass, inputs),
    networkFilter("envoy.filters.network.tcp_proxy", TcpProxySchema, proxyTo(BLACK_HOLE_CLUSTER)),
  ];
}
