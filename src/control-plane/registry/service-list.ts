// The services that objects declare: Kubernetes' Services, hosts of ServiceEntries, and which of them are other names of one another.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ServiceSpec } from "#api/service";
import type { ServiceEntrySpec } from "#api/service-entry";
import type { ObjectSet } from "#control-plane/config/object-set";
import { allocateAddresses } from "./auto-allocated-addresses.ts";
import { fromKubernetesService, TRAFFIC_DISTRIBUTION_ANNOTATION } from "./kubernetes-service.ts";
import { Memo, sameOr } from "./memo.ts";
import { fromServiceEntry, hostsWithoutAddress } from "./service-entry.ts";
import { entryVisibility } from "./service-entry-visibility.ts";
import type { Service, ServiceAlias } from "./service.ts";

interface Declared {
  /** What the object says now. */
  readonly made: readonly Service[];
  /** The same in meaning, from when it was first said. */
  readonly services: readonly Service[];
}

/** What services are made of. */
const KINDS = ["Service", "ServiceEntry", "Namespace", "MeshConfig"] as const;

/** What was made of each object. Kept from one list to the next, so that a service that means the same stays the same one. */
export class ServiceList {
  readonly #domain: string;
  readonly #allocate: boolean;
  readonly #ofService = new Memo<readonly Service[]>();
  readonly #ofEntry = new Memo<readonly Service[]>();
  readonly #withAliases = new Memo<Service>();
  #latest = new Map<string, Declared>();
  #inputs: readonly (readonly unknown[])[] | undefined;
  #declared: readonly Service[] | undefined;
  #sorted: readonly Service[] = [];

  constructor(options: { readonly domain: string; readonly allocateAddresses: boolean }) {
    this.#domain = options.domain;
    this.#allocate = options.allocateAddresses;
  }

  /** By hostname; of one hostname those of Kubernetes first, then the oldest. The same list as before when it holds the same services. */
  update(objects: ObjectSet): readonly Service[] {
    const inputs = KINDS.map((kind, index) => sameOr(this.#inputs?.[index], objects.list(kind)));
    if (this.#inputs !== undefined && inputs.every((list, index) => list === this.#inputs?.[index])) return this.#sorted;
    this.#inputs = inputs;
    const namespaces = new Map(objects.list("Namespace").map(({ metadata }) => [metadata.name, metadata]));
    const annotationsOf = (namespace: string): Readonly<Record<string, string>> => namespaces.get(namespace)?.annotations ?? {};
    const visibilities = objects.list<MeshConfigSpec>("MeshConfig")[0]?.spec.serviceEntryVisibility;
    const entries = objects.list<ServiceEntrySpec>("ServiceEntry");
    const allocated = this.#allocate ? allocateAddresses(entries.flatMap(hostsWithoutAddress)) : new Map<string, readonly string[]>();
    const latest = new Map<string, Declared>();
    const declared: Service[] = [];
    for (const object of objects.list<ServiceSpec>("Service")) {
      const { name, namespace } = object.metadata;
      const annotations = annotationsOf(namespace);
      const services = this.#ofService.get(object, annotations[TRAFFIC_DISTRIBUTION_ANNOTATION] ?? "", () => [
        fromKubernetesService(object, this.#domain, annotations),
      ]);
      declared.push(...this.#keep(latest, `Service|${namespace}|${name}`, services));
    }
    for (const entry of entries) {
      const { name, namespace } = entry.metadata;
      const annotations = annotationsOf(namespace);
      const addresses = hostsWithoutAddress(entry).map((host) => allocated.get(host)?.[0] ?? "");
      const visibility = entryVisibility(visibilities, namespaces.get(namespace)?.labels ?? {});
      const dependency = `${annotations[TRAFFIC_DISTRIBUTION_ANNOTATION] ?? ""} ${visibility} ${addresses.join(" ")}`;
      const services = this.#ofEntry.get(entry, dependency, () =>
        fromServiceEntry(entry, { allocated, namespaceAnnotations: annotations, visibility }),
      );
      declared.push(...this.#keep(latest, `ServiceEntry|${namespace}|${name}`, services));
    }
    this.#latest = latest;
    const before = this.#declared;
    this.#declared = sameOr(before, declared);
    if (this.#declared !== before) this.#sorted = [...withAliases(declared, this.#withAliases)].sort(compareServices);
    return this.#sorted;
  }

  /** An object that changed without changing what its services are (its endpoints, say) keeps them. */
  #keep(latest: Map<string, Declared>, key: string, services: readonly Service[]): readonly Service[] {
    const before = this.#latest.get(key);
    let entry = before;
    if (entry === undefined || entry.made !== services) {
      const same = before !== undefined && JSON.stringify(before.services) === JSON.stringify(services);
      entry = { made: services, services: same ? before.services : services };
    }
    latest.set(key, entry);
    return entry.services;
  }
}

function compareServices(a: Service, b: Service): number {
  if (a.hostname !== b.hostname) return a.hostname < b.hostname ? -1 : 1;
  if (a.source !== b.source) return a.source === "Service" ? -1 : 1;
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  const [left, right] = [`${a.name} ${a.namespace}`, `${b.name} ${b.namespace}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** An ExternalName may lead to another one; what it leads to in the end gets its name. One that leads to itself leads nowhere. */
function withAliases(services: readonly Service[], memo: Memo<Service>): readonly Service[] {
  const targets = new Map<string, string>();
  for (const { hostname, alias } of services) if (alias !== undefined) targets.set(hostname, alias);
  if (targets.size === 0) return services;
  const aliases = new Map<string, ServiceAlias[]>();
  for (const { hostname, namespace, alias } of services) {
    if (alias === undefined) continue;
    const seen = new Set([hostname]);
    let target: string | undefined = alias;
    while (target !== undefined && targets.has(target)) {
      if (seen.has(target)) target = undefined;
      else {
        seen.add(target);
        target = targets.get(target);
      }
    }
    if (target === undefined) continue;
    const list = aliases.get(target);
    if (list === undefined) aliases.set(target, [{ hostname, namespace }]);
    else list.push({ hostname, namespace });
  }
  const compare = (a: ServiceAlias, b: ServiceAlias): number => {
    const [left, right] = [`${a.namespace} ${a.hostname}`, `${b.namespace} ${b.hostname}`];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  return services.map((service) => {
    const list = aliases.get(service.hostname)?.sort(compare);
    return list === undefined ? service : memo.get(service, JSON.stringify(list), () => ({ ...service, aliases: list }));
  });
}
