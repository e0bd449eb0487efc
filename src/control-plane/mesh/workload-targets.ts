// Which service ports lead to a proxy's workload, by the oldest service first.
import { targetPortOf } from "#control-plane/registry/endpoints";
import type { RegistrySnapshot, ServiceTarget } from "#control-plane/registry/registry";
import type { Service, ServicePort } from "#control-plane/registry/service";
import type { ProxyNode } from "./proxy.ts";
import type { ServiceIndex } from "./service-index.ts";

export interface WorkloadTarget {
  readonly service: Service;
  readonly port: ServicePort;
  /** The port of the workload. */
  readonly targetPort: number;
}

/** Services of its namespace that select it by its labels, or that have an endpoint at one of its addresses. */
export function workloadTargets(node: ProxyNode, index: ServiceIndex, registry: RegistrySnapshot): readonly WorkloadTarget[] {
  const atAddress = node.ipAddresses
    .flatMap((address) => registry.targetsAt(address))
    .filter(({ service }) => service.namespace === node.namespace);
  const targets: WorkloadTarget[] = [];
  const selecting = index.selecting(node.namespace, node.labels).filter(({ source }) => source === "Service");
  for (const service of selecting) {
    for (const port of service.ports) {
      const known = portAt(atAddress, service, port);
      // A target port by name that no endpoint tells is looked up in the ports that the pod declared.
      const targetPort = known ?? targetPortOf(port, declaredPorts(node, registry), []);
      if (targetPort !== undefined) targets.push({ service, port, targetPort });
    }
  }
  for (const { service, port, endpoint } of atAddress) {
    // As in Istio, Services without a selector count for a workload that none selects.
    if (service.source === "Service" && selecting.length > 0) continue;
    targets.push({ service, port, targetPort: endpoint.port });
  }
  return targets.sort((a, b) => compareAge(a.service, b.service));
}

function portAt(targets: readonly ServiceTarget[], service: Service, port: ServicePort): number | undefined {
  return targets.find((target) => target.service === service && target.port.number === port.number)?.endpoint.port;
}

function declaredPorts(node: ProxyNode, registry: RegistrySnapshot): Readonly<Record<string, number>> {
  return registry.instance(node.namespace, node.name)?.ports ?? {};
}

function compareAge(a: Service, b: Service): number {
  if (a === b) return 0;
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  return a.hostname < b.hostname ? -1 : 1;
}
