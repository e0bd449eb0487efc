// What a sidecar receives. What its agent announced (no traffic capture) counts as the ingress of the Sidecar that applies to it;
// where traffic is captured the ports of its services count.
import { targetPortOf } from "#control-plane/registry/endpoints";
import { parseProtocol } from "#control-plane/registry/protocol";
import type { Service, ServicePort } from "#control-plane/registry/service";
import type { InboundPort } from "./mesh.ts";
import type { AnnouncedIngress, ProxyNode } from "./proxy.ts";

/** `services` select the proxy's workload. */
export function inboundPorts(node: ProxyNode, services: readonly Service[]): readonly InboundPort[] {
  const bindToPort = node.interceptionMode === "NONE";
  if (node.announcedIngress.length > 0) return node.announcedIngress.map((ingress) => announcedPort(ingress, services, bindToPort));
  // Without capture a listener at the service's port would take the application's own port: only announced ports are served.
  if (bindToPort) return [];
  const byTarget = new Map<number, InboundPort & { services: Service[] }>();
  for (const service of services) {
    for (const port of service.ports) {
      const targetPort = targetPortOf(port, {}, []);
      if (targetPort === undefined || port.protocol === "UDP") continue;
      // Of two services at one target port the first decides the protocol.
      const known = byTarget.get(targetPort);
      if (known !== undefined) {
        if (!known.services.includes(service)) known.services.push(service);
        continue;
      }
      byTarget.set(targetPort, {
        service,
        services: [service],
        port,
        bind: "0.0.0.0",
        targetPort,
        defaultEndpoint: undefined,
        bindToPort,
        tls: undefined,
        connectionPool: undefined,
      });
    }
  }
  return [...byTarget.values()].sort((a, b) => a.targetPort - b.targetPort);
}

function announcedPort(ingress: AnnouncedIngress, services: readonly Service[], bindToPort: boolean): InboundPort {
  const announced = parseProtocol(ingress.port.protocol);
  const owner = findOwner(ingress, services);
  return {
    service: owner?.service,
    services: owner === undefined ? [] : [owner.service],
    port: {
      name: ingress.port.name,
      number: ingress.port.number,
      // An agent that does not know the protocol leaves it to the Service.
      protocol: announced === "AUTO" && owner !== undefined ? owner.port.protocol : announced,
      targetPort: ingress.port.number,
    },
    bind: ingress.bind,
    targetPort: ingress.port.number,
    defaultEndpoint: parseEndpoint(ingress.defaultEndpoint),
    bindToPort,
    tls: undefined,
    connectionPool: undefined,
  };
}

/** By target port; where ports were allocated (one address for all workloads) by the port's name. */
function findOwner(ingress: AnnouncedIngress, services: readonly Service[]): { service: Service; port: ServicePort } | undefined {
  const byNumber = (port: ServicePort): boolean => port.targetPort === ingress.port.number;
  const byName = (port: ServicePort): boolean =>
    ingress.port.name !== "" && (port.targetPort === ingress.port.name || port.name === ingress.port.name);
  for (const matches of [byNumber, byName]) {
    for (const service of services) {
      const port = service.ports.find(matches);
      if (port !== undefined) return { service, port };
    }
  }
  return undefined;
}

/** `127.0.0.1:41233`, `[::1]:41233`; parse-node.ts has refused anything else. */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } | undefined {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port <= 0 || port > 65_535) return undefined;
  return { address: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}
