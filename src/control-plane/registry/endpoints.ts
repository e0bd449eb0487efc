// Which instances stand behind which service port.
import { LabelIndex } from "./labels.ts";
import type { Service, ServiceEndpoint, ServicePort, WorkloadInstance } from "./service.ts";

/** The cluster of everything that this control plane itself knows, as Istio calls it. */
const LOCAL_CLUSTER = "Kubernetes";
const TLS_MODE_LABEL = "security.istio.io/tlsMode";

/** Where an instance serves a service port; undefined: it does not (the port is asked for by a name that it does not have). */
export function targetPortOf(port: ServicePort, ports: Readonly<Record<string, number>>, listening: readonly number[]): number | undefined {
  if (typeof port.targetPort === "string") return ports[port.targetPort];
  if (listening.includes(port.targetPort)) return port.targetPort;
  // WorkloadEntry.ports: the service port's name overrides its target port.
  return (port.name === "" ? undefined : ports[port.name]) ?? port.targetPort;
}

export function endpointKey(hostname: string, port: number): string {
  return `${hostname}|${port}`;
}

/** Endpoints by endpointKey, healthy or not, in the order of address, port and workload. */
export function serviceEndpoints(
  services: readonly Service[],
  instances: readonly WorkloadInstance[],
): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  const index = new LabelIndex(
    instances,
    (instance) => instance.namespace,
    (instance) => instance.labels,
  );
  const result = new Map<string, readonly ServiceEndpoint[]>();
  for (const service of services) {
    if (service.selector === undefined) continue;
    const selected = index.select(service.namespace, service.selector);
    if (selected.length === 0) continue;
    for (const port of service.ports) {
      const endpoints: ServiceEndpoint[] = [];
      for (const instance of selected) {
        const target = targetPortOf(port, instance.ports, instance.listening);
        if (target === undefined) continue;
        endpoints.push({
          address: instance.address,
          port: target,
          servicePort: port.number,
          labels: instance.labels,
          locality: instance.locality,
          weight: instance.weight,
          health: instance.health,
          namespace: instance.namespace,
          workload: instance.name,
          serviceAccount: instance.serviceAccount,
          network: instance.network,
          clusterId: LOCAL_CLUSTER,
          // An instance that an agent registered says by its label whether its proxy takes mutual TLS, as a pod does.
          tlsMode: instance.labels[TLS_MODE_LABEL] === "istio" ? "istio" : "disabled",
          nodeName: "",
          hostname: "",
          subdomain: "",
        });
      }
      if (endpoints.length > 0) result.set(endpointKey(service.hostname, port.number), endpoints.sort(compareEndpoints));
    }
  }
  return result;
}

function compareEndpoints(a: ServiceEndpoint, b: ServiceEndpoint): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.port - b.port || (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0);
}
