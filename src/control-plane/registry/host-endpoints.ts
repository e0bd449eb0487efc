// What the ports of one host lead to: the endpoints of all services of that host in one namespace.
import { compareEndpoints, endpointInputs, endpointsOf, withoutRepeats, type EndpointSources } from "./endpoints.ts";
import { sameOr } from "./memo.ts";
import type { Service, ServiceEndpoint, ServicePort } from "./service.ts";

/** Services of one host and namespace in the order in which they count, and what their ports lead to. */
export class HostEndpoints {
  readonly #services: readonly Service[];
  readonly #inputs: readonly (readonly unknown[])[];
  readonly #byName: readonly ReadonlyMap<string, readonly ServiceEndpoint[]>[];
  readonly #byNumber = new Map<number, readonly ServiceEndpoint[]>();

  private constructor(
    services: readonly Service[],
    inputs: readonly (readonly unknown[])[],
    byName: readonly ReadonlyMap<string, readonly ServiceEndpoint[]>[],
  ) {
    this.#services = services;
    this.#inputs = inputs;
    this.#byName = byName;
  }

  /** The same one as before when nothing changed that it depends on. */
  static of(services: readonly Service[], sources: EndpointSources, before: HostEndpoints | undefined): HostEndpoints {
    const inputs = services.map((service, index) =>
      sameOr(before === undefined ? undefined : before.#inputs[index], endpointInputs(service, sources)),
    );
    if (before !== undefined && inputs.length === before.#inputs.length && inputs.every((list, index) => list === before.#inputs[index]))
      return before;
    return new HostEndpoints(
      services,
      inputs,
      services.map((service) => endpointsOf(service, sources)),
    );
  }

  /** A port is known by its number; the first service that has it tells the name by which the others are asked. */
  at(port: number): readonly ServiceEndpoint[] {
    let found = this.#byNumber.get(port);
    if (found !== undefined) return found;
    const name = this.#services.flatMap((service) => service.ports).find((candidate) => candidate.number === port)?.name;
    const lists = name === undefined ? [] : this.#byName.flatMap((byName) => byName.get(name) ?? []);
    const single = this.#byName.length === 1 ? this.#byName[0]?.get(name ?? "") : undefined;
    found = name === undefined ? [] : (single ?? withoutRepeats([...lists].sort(compareEndpoints)));
    this.#byNumber.set(port, found);
    return found;
  }

  /** Every endpoint with the service and port that it belongs to. */
  *all(): Iterable<{ readonly service: Service; readonly port: ServicePort; readonly endpoint: ServiceEndpoint }> {
    for (const [index, service] of this.#services.entries()) {
      for (const port of service.ports) {
        for (const endpoint of this.#byName[index]?.get(port.name) ?? []) yield { service, port, endpoint };
      }
    }
  }
}
