// What happens to hosts that nobody declared.
import { create } from "@bufbuild/protobuf";
import { RouteSchema, type Route, type VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { ALLOW_ANY_DYNAMIC_DNS_CLUSTER, PASSTHROUGH_CLUSTER } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { destinationCluster } from "./destination-cluster.ts";
import { virtualHost, virtualHostSettings } from "./route-configuration.ts";

export function catchAllHost(view: ProxyView): VirtualHost {
  const { mode, egressProxy } = view.outboundTrafficPolicy;
  const settings = virtualHostSettings(view.proxyConfig);
  if (mode === "REGISTRY_ONLY") return virtualHost("block_all", ["*"], [blockAll()], settings);
  const unknown = mode === "ALLOW_ANY_DYNAMIC_DNS" ? ALLOW_ANY_DYNAMIC_DNS_CLUSTER : PASSTHROUGH_CLUSTER;
  const cluster = egressProxy === undefined ? unknown : destinationCluster(egressProxy, undefined, 0);
  return virtualHost("allow_any", ["*"], [allowAny(cluster)], settings);
}

function blockAll(): Route {
  return create(RouteSchema, {
    name: "block_all",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: { case: "directResponse", value: { status: 502 } },
  });
}

function allowAny(cluster: string): Route {
  return create(RouteSchema, {
    name: "allow_any",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: { clusterSpecifier: { case: "cluster", value: cluster }, timeout: durationOf(0), maxGrpcTimeout: durationOf(0) },
    },
  });
}
