// The routes behind an HTTP proxy port that the node announces (HTTP_PROXY_BIND): nothing captures traffic there, so all calls of an
// application come through it, `GET http://reviews:9080/...`, and names count with their port. istiod's own `http_proxy` leaves ports
// out of the comparison and so knows services of port 80 only; this one serves every port.
import type { VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import { serviceAddresses } from "#control-plane/generate/service-addresses";
import { catchAllHost } from "./catch-all-host.ts";
import { byName, routeConfiguration, virtualHost, virtualHostSettings } from "./route-configuration.ts";
import { callerOf } from "./route-context.ts";
import { hasRoutes, sidecarHosts, UNKNOWN_HOST_PORT } from "./sidecar-virtual-hosts.ts";
import { DomainTable, serviceDomains, withPort } from "./virtual-host-domains.ts";

export function announcedProxyRoutes(view: ProxyView, name: string): RouteConfiguration {
  const ports = new Set<number>([UNKNOWN_HOST_PORT]);
  for (const service of view.services) for (const port of service.ports) if (hasRoutes(port)) ports.add(port.number);
  const table = new DomainTable(new Set());
  const settings = virtualHostSettings(view.proxyConfig);
  const hosts: VirtualHost[] = [];
  // Port 80 comes first: a name without a port means 80 where the service has it, and else the service's first HTTP port.
  const order = [...ports].sort((a, b) => Number(b === UNKNOWN_HOST_PORT) - Number(a === UNKNOWN_HOST_PORT) || a - b);
  for (const number of order) {
    const entries = sidecarHosts({
      config: view.mesh.config,
      caller: callerOf(view.node),
      port: number,
      services: view.services,
      virtualServices: view.meshVirtualServices,
      destinationService: (hostname) => view.service(hostname),
      destinationRule: (hostname) => view.destinationRule(hostname),
    });
    for (const { host, routes, service } of entries) {
      // A service that lacks this port is no unknown host: its routes stand with the ports that it has.
      const declared = view.service(host);
      if (service === undefined && declared !== undefined) continue;
      const names =
        service === undefined
          ? [host]
          : serviceDomains({
              service,
              aliases: [],
              addresses: serviceAddresses(service, view.node),
              callerDomain: view.node.dnsDomain,
            }).names;
      const bare = declared === undefined || barePort(declared) === number;
      const domains = names.flatMap((entry) => (bare ? [entry, withPort(entry, number)] : [withPort(entry, number)]));
      const taken = table.take(domains, new Set());
      if (taken.length > 0) hosts.push(virtualHost(withPort(host, number), taken, routes, settings));
    }
  }
  return routeConfiguration(name, [...hosts.sort(byName), catchAllHost(view)], false);
}

function barePort(service: Service): number | undefined {
  const ports = service.ports.filter(hasRoutes);
  return (ports.find((port) => port.number === UNKNOWN_HOST_PORT) ?? ports[0])?.number;
}
