// The registry of a set of objects and of the workloads that agents registered. Pure; what was made before is only a saving.
import type { Finding } from "#api/finding";
import type { ServiceEntrySpec } from "#api/service-entry";
import type { ObjectSet } from "#control-plane/config/object-set";
import { discoveredObjects } from "./discovery-selectors.ts";
import { endpointLists, type EndpointList } from "./endpoint-slices.ts";
import type { EndpointSources } from "./endpoints.ts";
import { HostEndpoints } from "./host-endpoints.ts";
import { LabelIndex } from "./labels.ts";
import { sameOr } from "./memo.ts";
import { podInstances } from "./pod-instances.ts";
import type { RegistrySnapshot, ServiceTarget } from "./registry.ts";
import { ServiceList } from "./service-list.ts";
import type { Service, ServiceEndpoint, WorkloadInstance } from "./service.ts";
import { workloadInstances } from "./workload-instances.ts";
import type { RegisteredWorkload } from "./workload-registrations.ts";

export interface RegistryInputs {
  readonly objects: ObjectSet;
  readonly registered: readonly RegisteredWorkload[];
  /** `cluster.local`. */
  readonly domain: string;
  /** Whether hosts of ServiceEntries without an address are given one here, and not by somebody who writes it into their status. */
  readonly allocateAddresses?: boolean;
}

const NO_ENDPOINTS: readonly ServiceEndpoint[] = [];
const NO_TARGETS: readonly ServiceTarget[] = [];

/** `previous`, made of the same domain, keeps what did not change the same one: the list of services, the endpoints of a host. */
export function buildRegistry(inputs: RegistryInputs, previous?: RegistrySnapshot): RegistrySnapshot {
  const before = previous instanceof Snapshot ? previous : undefined;
  const list = before?.list ?? new ServiceList({ domain: inputs.domain, allocateAddresses: inputs.allocateAddresses ?? true });
  const objects = discoveredObjects(inputs.objects);
  const findings: Finding[] = [];
  const pods = sameOr(before?.pods, podInstances(objects));
  const entries = sameOr(before?.entries, workloadInstances(objects, inputs.registered, findings));
  return new Snapshot({ list, services: list.update(objects), pods, entries, objects, findings }, before);
}

interface Parts {
  readonly list: ServiceList;
  readonly services: readonly Service[];
  readonly pods: readonly WorkloadInstance[];
  readonly entries: readonly WorkloadInstance[];
  readonly objects: ObjectSet;
  readonly findings: readonly Finding[];
}

class Snapshot implements RegistrySnapshot {
  readonly services: readonly Service[];
  readonly instances: readonly WorkloadInstance[];
  readonly findings: readonly Finding[];
  readonly list: ServiceList;
  readonly pods: readonly WorkloadInstance[];
  readonly entries: readonly WorkloadInstance[];
  readonly lists: ReadonlyMap<string, readonly EndpointList[]>;
  readonly #podIndex: LabelIndex<WorkloadInstance>;
  readonly #entryIndex: LabelIndex<WorkloadInstance>;
  readonly #podsByKey: ReadonlyMap<string, WorkloadInstance>;
  #entriesByKey: ReadonlyMap<string, WorkloadInstance> | undefined;
  /** By hostname, then by namespace. */
  readonly #hosts = new Map<string, Map<string, HostEndpoints>>();
  /** Made when somebody asks for an address, and from then on kept up with what changes. */
  #byAddress: Map<string, readonly HostEndpoints[]> | undefined;

  constructor(parts: Parts, before: Snapshot | undefined) {
    const { list, services, pods, entries, objects, findings } = parts;
    this.list = list;
    this.services = services;
    this.pods = pods;
    this.entries = entries;
    this.findings = findings;
    this.instances = before?.pods === pods && before.entries === entries ? before.instances : [...pods, ...entries];
    this.#podIndex = before?.pods === pods ? before.#podIndex : indexOf(pods);
    this.#entryIndex = before?.entries === entries ? before.#entryIndex : indexOf(entries);
    this.#podsByKey = before?.pods === pods ? before.#podsByKey : byKey(pods);
    this.lists = endpointLists(objects, before?.lists);
    const sameInstances = before !== undefined && before.pods === pods && before.entries === entries;
    const sources: EndpointSources = {
      lists: this.lists,
      pods: this.#podsByKey,
      podIndex: this.#podIndex,
      entryIndex: this.#entryIndex,
      serviceEntry: (namespace, name) => objects.get<ServiceEntrySpec>("ServiceEntry", namespace, name),
    };
    const gone = new Set<HostEndpoints>(before === undefined || before.#byAddress === undefined ? [] : before.allHosts());
    const fresh: HostEndpoints[] = [];
    for (const group of byHostAndNamespace(services)) {
      const [first] = group;
      if (first === undefined) continue;
      const made = HostEndpoints.of(group, sources, before?.host(first.hostname, first.namespace), sameInstances);
      if (!gone.delete(made)) fresh.push(made);
      const known = this.#hosts.get(first.hostname);
      if (known === undefined) this.#hosts.set(first.hostname, new Map([[first.namespace, made]]));
      else known.set(first.namespace, made);
    }
    if (before !== undefined && before.#byAddress !== undefined) this.#byAddress = withReplaced(before.#byAddress, gone, fresh);
  }

  *allHosts(): Iterable<HostEndpoints> {
    for (const byNamespace of this.#hosts.values()) yield* byNamespace.values();
  }

  host(hostname: string, namespace: string): HostEndpoints | undefined {
    return this.#hosts.get(hostname)?.get(namespace);
  }

  endpoints(hostname: string, port: number, namespace?: string): readonly ServiceEndpoint[] {
    const byNamespace = this.#hosts.get(hostname);
    if (byNamespace === undefined) return NO_ENDPOINTS;
    if (namespace !== undefined) return byNamespace.get(namespace)?.at(port) ?? NO_ENDPOINTS;
    for (const host of byNamespace.values()) {
      const endpoints = host.at(port);
      if (endpoints.length > 0) return endpoints;
    }
    return NO_ENDPOINTS;
  }

  instance(namespace: string, name: string): WorkloadInstance | undefined {
    this.#entriesByKey ??= byKey(this.entries);
    const key = `${namespace}/${name}`;
    return this.#podsByKey.get(key) ?? this.#entriesByKey.get(key);
  }

  targetsAt(address: string): readonly ServiceTarget[] {
    this.#byAddress ??= addressesOf(this.allHosts());
    return this.#byAddress.get(address)?.flatMap((host) => host.targetsAt(address)) ?? NO_TARGETS;
  }

  changedEndpoints(since: RegistrySnapshot): ReadonlySet<string> | undefined {
    if (!(since instanceof Snapshot)) return undefined;
    const changed = new Set<string>();
    const compare = (left: Snapshot, right: Snapshot): void => {
      for (const [hostname, byNamespace] of left.#hosts) {
        const other = right.#hosts.get(hostname);
        for (const [namespace, host] of byNamespace) if (other?.get(namespace) !== host) changed.add(hostname);
      }
    };
    compare(this, since);
    compare(since, this);
    return changed;
  }
}

function addressesOf(hosts: Iterable<HostEndpoints>): Map<string, readonly HostEndpoints[]> {
  const result = new Map<string, HostEndpoints[]>();
  for (const host of hosts) {
    for (const address of host.addresses) {
      const list = result.get(address);
      if (list === undefined) result.set(address, [host]);
      else list.push(host);
    }
  }
  return result;
}

/** The same index after some hosts were replaced by others. */
function withReplaced(
  before: ReadonlyMap<string, readonly HostEndpoints[]>,
  gone: ReadonlySet<HostEndpoints>,
  fresh: readonly HostEndpoints[],
): Map<string, readonly HostEndpoints[]> {
  const result = new Map(before);
  for (const host of gone) {
    for (const address of host.addresses) {
      const rest = (result.get(address) ?? []).filter((other) => other !== host);
      if (rest.length === 0) result.delete(address);
      else result.set(address, rest);
    }
  }
  for (const host of fresh) for (const address of host.addresses) result.set(address, [...(result.get(address) ?? []), host]);
  return result;
}

function byKey(instances: readonly WorkloadInstance[]): ReadonlyMap<string, WorkloadInstance> {
  return new Map(instances.map((instance) => [`${instance.namespace}/${instance.name}`, instance]));
}

function indexOf(instances: readonly WorkloadInstance[]): LabelIndex<WorkloadInstance> {
  return new LabelIndex(
    instances,
    (instance) => instance.namespace,
    (instance) => instance.labels,
  );
}

/** Services of one host stand side by side. */
function* byHostAndNamespace(services: readonly Service[]): Iterable<readonly Service[]> {
  for (let start = 0; start < services.length;) {
    const hostname = services[start]?.hostname;
    let end = start + 1;
    while (services[end]?.hostname === hostname && end < services.length) end++;
    if (end === start + 1) yield services.slice(start, end);
    else yield* Map.groupBy(services.slice(start, end), (service) => service.namespace).values();
    start = end;
  }
}
