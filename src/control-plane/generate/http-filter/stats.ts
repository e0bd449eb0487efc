// istio.stats: Istio's request metrics, where the mesh's default provider of metrics is Prometheus.
import { PluginConfigSchema } from "#envoy/gen/istio/stats_pb";
import { hasExtension } from "#control-plane/generate/istio-extension";
import { writesPrometheusMetrics } from "#control-plane/generate/metrics-provider";
import { httpFilter, type HttpFilterBuilder } from "./http-filter.ts";

const OUTBOUND = httpFilter("istio.stats", PluginConfigSchema, {});
/** Callers choose the host header freely, so it is no name of a destination. */
const WITHOUT_HOST_HEADER = httpFilter("istio.stats", PluginConfigSchema, { disableHostHeaderFallback: true });

export const stats: HttpFilterBuilder = (context) => {
  const { config, node } = context.inputs;
  if (!hasExtension(node, "istio.stats") || !writesPrometheusMetrics(config)) return [];
  return [context.class === "sidecar-outbound" ? OUTBOUND : WITHOUT_HOST_HEADER];
};
