// Route configurations for applications that speak xDS themselves with gRPC, one for each service port, under the name of its cluster.
import { create } from "@bufbuild/protobuf";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { sidecarRouteConfiguration } from "#control-plane/generate/route/sidecar-routes";
import type { ProxyView } from "#control-plane/mesh/mesh";

export function proxylessRoutes(view: ProxyView): readonly RouteConfiguration[] {
  const byPort = new Map<number, ReadonlyMap<string, VirtualHost>>();
  const result: RouteConfiguration[] = [];
  for (const service of view.services) {
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      let hosts = byPort.get(port.number);
      if (hosts === undefined) byPort.set(port.number, (hosts = hostsByDomain(view, port.number)));
      const host = hosts.get(service.hostname);
      if (host === undefined) continue;
      result.push(create(RouteConfigurationSchema, { name: outboundClusterName(port.number, "", service.hostname), virtualHosts: [host] }));
    }
  }
  return result;
}

function hostsByDomain(view: ProxyView, port: number): ReadonlyMap<string, VirtualHost> {
  const hosts = sidecarRouteConfiguration(view, String(port))?.virtualHosts ?? [];
  return new Map(hosts.flatMap((host) => host.domains.map((domain) => [domain, host] as const)));
}
