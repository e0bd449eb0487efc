// Everything that an application gets that speaks xDS itself with gRPC (node metadata GENERATOR: grpc), encoded.
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { encode, type Resource } from "#control-plane/generate/resource";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { CLUSTER_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { proxylessClusters } from "./proxyless-clusters.ts";
import { proxylessListeners } from "./proxyless-listeners.ts";
import { proxylessRoutes } from "./proxyless-routes.ts";

/** Without endpoints, which are those of every other caller. */
export function proxylessResources(view: ProxyView): readonly Resource[] {
  return [
    ...proxylessListeners(view).map((listener) => encode(LISTENER_TYPE, ListenerSchema, listener)),
    ...proxylessRoutes(view).map((routes) => encode(ROUTE_TYPE, RouteConfigurationSchema, routes)),
    ...proxylessClusters(view).map((cluster) => encode(CLUSTER_TYPE, ClusterSchema, cluster)),
  ];
}
