// What a sidecar receives: the ingress of the Sidecar that applies to it; without one what its agent announced, where nothing captures
// traffic; else, where traffic is captured, the ports of its services.
import type { IngressListener } from "#api/sidecar";
import { parseProtocol } from "#control-plane/registry/protocol";
import type { Service } from "#control-plane/registry/service";
import type { InboundPort } from "./mesh.ts";
import type { AnnouncedIngress, ProxyNode } from "./proxy.ts";
import type { Sidecar } from "./sidecar-index.ts";
import type { WorkloadTarget } from "./workload-targets.ts";

export interface InboundPortInputs {
  readonly node: ProxyNode;
  readonly sidecar: Sidecar | undefined;
  /** The service ports that lead to the workload, those of the oldest service first. */
  readonly targets: readonly WorkloadTarget[];
}

const UNIX_PREFIX = "unix://";

export function inboundPorts({ node, sidecar, targets }: InboundPortInputs): readonly InboundPort[] {
  const bindToPort = node.interceptionMode === "NONE";
  const ingress = sidecar?.spec.ingress ?? [];
  if (sidecar !== undefined && ingress.length > 0) return ingress.map((listener) => ingressPort(listener, sidecar, node, targets));
  if (node.announcedIngress.length > 0) return node.announcedIngress.map((announced) => announcedPort(announced, targets, bindToPort));
  // Without capture a listener at the service's port would take the application's own port: only announced ports are served.
  if (bindToPort) return [];
  const byTarget = new Map<number, InboundPort & { services: Service[] }>();
  for (const { service, port, targetPort } of targets) {
    // Of two services at one target port the older decides the protocol.
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
  return [...byTarget.values()].sort((a, b) => a.targetPort - b.targetPort);
}

function ingressPort(written: IngressListener, sidecar: Sidecar, node: ProxyNode, targets: readonly WorkloadTarget[]): InboundPort {
  const number = written.port.number ?? 0;
  const owners = targets.filter(({ targetPort }) => targetPort === number).map(({ service }) => service);
  return {
    service: owners[0],
    services: [...new Set(owners)],
    sidecar,
    port: { name: written.port.name ?? "", number, protocol: parseProtocol(written.port.protocol ?? ""), targetPort: number },
    bind: written.bind || (node.ipAddresses[0] ?? "0.0.0.0"),
    targetPort: number,
    defaultEndpoint: applicationAt(written.defaultEndpoint ?? "", node),
    bindToPort: written.captureMode === "NONE" || (written.captureMode !== "IPTABLES" && node.interceptionMode === "NONE"),
    tls: written.tls,
    connectionPool: written.connectionPool,
  };
}

/** `0.0.0.0` and `::` stand for the workload's own address. */
function applicationAt(text: string, node: ProxyNode): InboundPort["defaultEndpoint"] {
  if (text.startsWith(UNIX_PREFIX)) return { address: text, port: 0 };
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) return undefined;
  const isV6 = (address: string): boolean => address.includes(":");
  if (endpoint.address === "0.0.0.0")
    return { ...endpoint, address: node.ipAddresses.find((address) => !isV6(address)) ?? endpoint.address };
  if (endpoint.address === "::") return { ...endpoint, address: node.ipAddresses.find(isV6) ?? endpoint.address };
  return endpoint;
}

function announcedPort(ingress: AnnouncedIngress, targets: readonly WorkloadTarget[], bindToPort: boolean): InboundPort {
  const announced = parseProtocol(ingress.port.protocol);
  const owner = findOwner(ingress, targets);
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
function findOwner(ingress: AnnouncedIngress, targets: readonly WorkloadTarget[]): WorkloadTarget | undefined {
  const { number, name } = ingress.port;
  return (
    targets.find(({ port }) => port.targetPort === number) ??
    targets.find(({ port }) => name !== "" && (port.targetPort === name || port.name === name))
  );
}

/** `127.0.0.1:41233`, `[::1]:41233`; undefined for anything else. */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } | undefined {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port <= 0 || port > 65_535) return undefined;
  return { address: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}
