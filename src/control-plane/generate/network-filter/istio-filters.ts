// Istio's own network filters, for proxies that have them.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { PluginConfigSchema } from "#envoy/gen/istio/stats_pb";
import { TypedStructSchema } from "#envoy/gen/udpa/type/v1/typed_struct_pb";
import type { FilterInputs, ListenerClass } from "#control-plane/generate/filter-inputs";
import { hasExtension } from "#control-plane/generate/istio-extension";
import { writesPrometheusMetrics } from "#control-plane/generate/metrics-provider";
import { networkFilter } from "./network-filter.ts";

const METADATA_EXCHANGE = networkFilter("istio.metadata_exchange", TypedStructSchema, {
  typeUrl: "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
  value: { enable_discovery: true, protocol: "istio-peer-exchange" },
});

/** By which peers tell each other who they are on connections that are not HTTP; it stands on the receiving side. */
export function metadataExchange(inputs: FilterInputs): readonly Filter[] {
  return hasExtension(inputs.node, "envoy.filters.network.metadata_exchange") ? [METADATA_EXCHANGE] : [];
}

const OUTBOUND_STATS = networkFilter("istio.stats", PluginConfigSchema, {});
const STATS_WITHOUT_HOST_HEADER = networkFilter("istio.stats", PluginConfigSchema, { disableHostHeaderFallback: true });

/** Istio's metrics of connections. */
export function connectionStats(listenerClass: ListenerClass, inputs: FilterInputs): readonly Filter[] {
  if (!hasExtension(inputs.node, "istio.stats") || !writesPrometheusMetrics(inputs.config)) return [];
  return [listenerClass === "sidecar-outbound" ? OUTBOUND_STATS : STATS_WITHOUT_HOST_HEADER];
}
