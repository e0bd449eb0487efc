// Which endpoints stand behind which service port. Services of one host and namespace share theirs, port name by port name, whoever
// declares them: so a ServiceEntry can add endpoints to a Kubernetes Service.
import { isIP } from "node:net";
import type { ApiObject } from "#api/object";
import type { ServiceEntrySpec } from "#api/service-entry";
import type { EndpointList } from "./endpoint-slices.ts";
import type { LabelIndex } from "./labels.ts";
import { localityOfLabel, topologyLabels } from "./locality.ts";
import { NETWORK_LABEL } from "./pod-instances.ts";
import { tlsModeOf, type Service, type ServiceEndpoint, type ServicePort, type WorkloadInstance } from "./service.ts";

/** The cluster of everything that this control plane itself knows, as Istio calls it. */
const LOCAL_CLUSTER = "Kubernetes";
const UNIX_PREFIX = "unix://";

/** Where an instance serves a service port; undefined: it does not (the port is asked for by a name that it does not have). */
export function targetPortOf(port: ServicePort, ports: Readonly<Record<string, number>>, listening: readonly number[]): number | undefined {
  if (typeof port.targetPort === "string") return ports[port.targetPort];
  if (listening.includes(port.targetPort)) return port.targetPort;
  // WorkloadEntry.ports: the service port's name overrides its target port.
  return (port.name === "" ? undefined : ports[port.name]) ?? port.targetPort;
}

/** What endpoints are made of. */
export interface EndpointSources {
  /** By `namespace/name` of the Kubernetes Service. */
  readonly lists: ReadonlyMap<string, readonly EndpointList[]>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, WorkloadInstance>;
  readonly podIndex: LabelIndex<WorkloadInstance>;
  /** WorkloadEntries, written and registered. */
  readonly entryIndex: LabelIndex<WorkloadInstance>;
  readonly serviceEntry: (namespace: string, name: string) => ApiObject<ServiceEntrySpec> | undefined;
}

/** Everything that the endpoints of one service depend on: when these are the same ones, so are the endpoints. */
export function endpointInputs(service: Service, sources: EndpointSources): readonly unknown[] {
  const inputs: unknown[] = [service];
  if (service.source === "Service") {
    for (const list of sources.lists.get(`${service.namespace}/${service.name}`) ?? []) {
      inputs.push(list);
      for (const { pod } of list.endpoints) if (pod !== undefined) inputs.push(sources.pods.get(pod));
    }
  }
  if (service.source === "ServiceEntry") inputs.push(sources.serviceEntry(service.namespace, service.object.name));
  if (service.selector !== undefined) {
    inputs.push(...sources.entryIndex.select(service.namespace, service.selector));
    if (service.source === "ServiceEntry") inputs.push(...sources.podIndex.select(service.namespace, service.selector));
  }
  return inputs;
}

/** By port name, healthy or not, in the order of address, port and workload. */
export function endpointsOf(service: Service, sources: EndpointSources): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  const result = new Map<string, readonly ServiceEndpoint[]>();
  for (const port of service.ports) {
    const endpoints = service.source === "Service" ? ofKubernetes(service, port, sources) : ofServiceEntry(service, port, sources);
    if (endpoints.length > 0) result.set(port.name, withoutRepeats([...endpoints].sort(compareEndpoints)));
  }
  return result;
}

function ofKubernetes(service: Service, port: ServicePort, sources: EndpointSources): readonly ServiceEndpoint[] {
  const endpoints: ServiceEndpoint[] = [];
  for (const list of sources.lists.get(`${service.namespace}/${service.name}`) ?? []) {
    const target = list.ports.find(({ name }) => name === port.name);
    if (target === undefined) continue;
    for (const { address, health, nodeName, hostname, pod: key } of list.endpoints) {
      const pod = key === undefined ? undefined : sources.pods.get(key);
      // Of a pod that is not known yet nothing is known: neither its identity nor whether it takes mutual TLS.
      if (key !== undefined && pod === undefined) continue;
      endpoints.push(
        pod === undefined
          ? { ...NOBODY, address, port: target.port, servicePort: port.number, health, nodeName, hostname }
          : { ...ofInstance(pod, target.port, port), address, health, hostname: hostname || pod.hostname },
      );
    }
  }
  if (service.selector !== undefined) {
    for (const instance of sources.entryIndex.select(service.namespace, service.selector)) {
      // A Service leads to addresses only.
      if (isIP(instance.address) === 0) continue;
      const target = targetPortOf(port, instance.ports, instance.listening);
      if (target !== undefined) endpoints.push(ofInstance(instance, target, port));
    }
  }
  return endpoints;
}

function ofServiceEntry(service: Service, port: ServicePort, sources: EndpointSources): readonly ServiceEndpoint[] {
  const byName = service.resolution === "DNS" || service.resolution === "DNS_ROUND_ROBIN";
  if (service.selector !== undefined) {
    const instances = [
      ...sources.entryIndex.select(service.namespace, service.selector),
      // A pod that is not ready is no endpoint of a ServiceEntry.
      ...sources.podIndex.select(service.namespace, service.selector).filter((pod) => pod.health === "HEALTHY"),
    ];
    return instances
      .filter(({ address }) => byName || isIP(address) !== 0 || address.startsWith(UNIX_PREFIX))
      .map((instance) => ofInstance(instance, entryPort(instance.address, port, instance.ports), port));
  }
  const entry = sources.serviceEntry(service.namespace, service.object.name);
  const written = entry?.spec.endpoints ?? [];
  if (written.length === 0) {
    if (!byName) return [];
    // The host itself is what is looked up.
    const address = service.hostname;
    const [namespace, workload] = [service.namespace, service.object.name];
    const target = entryPort(address, port, {});
    return [{ ...NOBODY, address, port: target, servicePort: port.number, health: "UNKNOWN", namespace, workload }];
  }
  return written.map((endpoint, index): ServiceEndpoint => {
    const address = endpoint.address ?? "";
    const labels = endpoint.labels ?? {};
    const locality = endpoint.locality || localityOfLabel(labels);
    const network = endpoint.network || (labels[NETWORK_LABEL] ?? "");
    return {
      ...NOBODY,
      address,
      port: entryPort(address, port, endpoint.ports ?? {}),
      servicePort: port.number,
      labels: { ...labels, ...topologyLabels({ locality, network, clusterId: LOCAL_CLUSTER, nodeName: "" }) },
      locality,
      weight: endpoint.weight || 1,
      health: "UNKNOWN",
      namespace: service.namespace,
      workload: `${service.object.name}-${index}`,
      serviceAccount: endpoint.serviceAccount ?? "",
      network,
      tlsMode: tlsModeOf(labels, endpoint.serviceAccount ? "istio" : "disabled"),
    };
  });
}

/** A unix socket has no port; else the endpoint's own, the ServiceEntry's target port, the port. */
function entryPort(address: string, port: ServicePort, ports: Readonly<Record<string, number>>): number {
  if (address.startsWith(UNIX_PREFIX)) return 0;
  return ports[port.name] || Number(port.targetPort);
}

const NOBODY: ServiceEndpoint = {
  address: "",
  port: 0,
  servicePort: 0,
  labels: {},
  locality: "",
  weight: 1,
  health: "HEALTHY",
  namespace: "",
  workload: "",
  serviceAccount: "",
  network: "",
  clusterId: LOCAL_CLUSTER,
  tlsMode: "disabled",
  nodeName: "",
  hostname: "",
  subdomain: "",
};

function ofInstance(instance: WorkloadInstance, target: number, port: ServicePort): ServiceEndpoint {
  const { address, locality, weight, health, namespace, workload, serviceAccount, network, tlsMode, nodeName, hostname, subdomain } =
    instance;
  const where = topologyLabels({ locality, network, clusterId: LOCAL_CLUSTER, nodeName });
  return {
    address,
    port: target,
    servicePort: port.number,
    labels: { ...instance.labels, ...where },
    locality,
    weight,
    health,
    namespace,
    workload,
    serviceAccount,
    network,
    clusterId: LOCAL_CLUSTER,
    tlsMode,
    nodeName,
    hostname,
    subdomain,
  };
}

export function withoutRepeats(sorted: readonly ServiceEndpoint[]): readonly ServiceEndpoint[] {
  return sorted.filter((endpoint, index) => {
    const before = sorted[index - 1];
    return before === undefined || before.address !== endpoint.address || before.port !== endpoint.port;
  });
}

export function compareEndpoints(a: ServiceEndpoint, b: ServiceEndpoint): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.port - b.port || (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0);
}
