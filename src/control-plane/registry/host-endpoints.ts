// What the ports of one host lead to: the endpoints of all services of that host in one namespace.
import { compareEndpoints, endpointInputs, endpointsOf, withoutRepeats, type EndpointSources } from "./endpoints.ts";
import { sameOr } from "./memo.ts";
import type { ServiceTarget } from "./registry.ts";
import type { Service, ServiceEndpoint } from "./service.ts";

/** Services of one host and namespace in the order in which they count, and what their ports lead to. */
interface Parts {
  readonly services: readonly Service[];
  readonly inputs: readonly (readonly unknown[])[];
  readonly declared: readonly unknown[];
  readonly byName: readonly ReadonlyMap<string, readonly ServiceEndpoint[]>[];
}

/** What lists a service's endpoints beside the instances that it selects. */
function declaredBy(service: Service, sources: EndpointSources): unknown {
  const { namespace, name } = service.object;
  return service.source === "Service" ? sources.lists.get(`${namespace}/${name}`) : sources.serviceEntry(namespace, name);
}

export class HostEndpoints {
  readonly #services: readonly Service[];
  readonly #inputs: readonly (readonly unknown[])[];
  readonly #declared: readonly unknown[];
  readonly #byName: readonly ReadonlyMap<string, readonly ServiceEndpoint[]>[];
  #addresses: Set<string> | undefined;
  readonly #byNumber = new Map<number, readonly ServiceEndpoint[]>();
  /** By number, of the first service that has it. */
  readonly #portNames = new Map<number, string>();

  private constructor(parts: Parts) {
    this.#services = parts.services;
    this.#inputs = parts.inputs;
    this.#declared = parts.declared;
    this.#byName = parts.byName;
    for (const { ports } of parts.services) {
      for (const { number, name } of ports) if (!this.#portNames.has(number)) this.#portNames.set(number, name);
    }
  }

  /** The same one as before when nothing changed that it depends on. `sameInstances`: no pod and no WorkloadEntry changed at all. */
  static of(
    services: readonly Service[],
    sources: EndpointSources,
    before: HostEndpoints | undefined,
    sameInstances: boolean,
  ): HostEndpoints {
    if (before === undefined) return HostEndpoints.#make(services, sources, undefined);
    const own = before.#services;
    const sameDeclared =
      services.length === own.length &&
      services.every((service, index) => service === own[index] && declaredBy(service, sources) === before.#declared[index]);
    return sameDeclared && sameInstances ? before : HostEndpoints.#make(services, sources, before);
  }

  static #make(services: readonly Service[], sources: EndpointSources, before: HostEndpoints | undefined): HostEndpoints {
    const inputs = services.map((service, index) =>
      sameOr(before === undefined ? undefined : before.#inputs[index], endpointInputs(service, sources)),
    );
    if (before !== undefined && inputs.length === before.#inputs.length && inputs.every((list, index) => list === before.#inputs[index]))
      return before;
    return new HostEndpoints({
      services,
      inputs,
      declared: services.map((service) => declaredBy(service, sources)),
      byName: services.map((service) => endpointsOf(service, sources)),
    });
  }

  /** A port is known by its number; the first service that has it tells the name by which the others are asked. */
  at(port: number): readonly ServiceEndpoint[] {
    let found = this.#byNumber.get(port);
    if (found !== undefined) return found;
    const name = this.#portNames.get(port);
    const lists = name === undefined ? [] : this.#byName.flatMap((byName) => byName.get(name) ?? []);
    const single = this.#byName.length === 1 ? this.#byName[0]?.get(name ?? "") : undefined;
    found = name === undefined ? [] : (single ?? withoutRepeats([...lists].sort(compareEndpoints)));
    this.#byNumber.set(port, found);
    return found;
  }

  get addresses(): ReadonlySet<string> {
    if (this.#addresses === undefined) {
      this.#addresses = new Set();
      for (const byName of this.#byName) for (const list of byName.values()) for (const { address } of list) this.#addresses.add(address);
    }
    return this.#addresses;
  }

  /** What of it an address serves. */
  targetsAt(address: string): readonly ServiceTarget[] {
    return this.#services.flatMap((service, index) =>
      service.ports.flatMap((port) =>
        (this.#byName[index]?.get(port.name) ?? [])
          .filter((endpoint) => endpoint.address === address)
          .map((endpoint) => ({ service, port, endpoint })),
      ),
    );
  }
}
