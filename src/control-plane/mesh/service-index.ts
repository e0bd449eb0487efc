// Services by who may see them, and by host and namespace.
import { selects, type Labels } from "#control-plane/registry/labels";
import type { Service } from "#control-plane/registry/service";
import { isVisible, visibilityOf } from "./visibility.ts";

export class ServiceIndex {
  /** By hostname in order, of one hostname those of Kubernetes first, then the oldest. */
  readonly services: readonly Service[];
  readonly #defaultExportTo: readonly string[] | undefined;
  readonly #byHost = new Map<string, Service[]>();
  #byPair: ReadonlyMap<string, readonly Service[]> | undefined;

  constructor(services: readonly Service[], defaultExportTo: readonly string[] | undefined) {
    this.services = services;
    this.#defaultExportTo = defaultExportTo;
    for (const service of services) {
      const list = this.#byHost.get(service.hostname);
      if (list === undefined) this.#byHost.set(service.hostname, [service]);
      else list.push(service);
    }
  }

  isVisible(service: Service, namespace: string): boolean {
    return isVisible(visibilityOf(service.exportTo, service.namespace, this.#defaultExportTo), namespace);
  }

  /** In the order of hostnames; of one hostname those that name the namespace before those for everybody. */
  visibleTo(namespace: string): readonly Service[] {
    const visible = this.services.filter((service) => this.isVisible(service, namespace));
    const forEverybody = (service: Service): boolean =>
      visibilityOf(service.exportTo, service.namespace, this.#defaultExportTo).kind === "public";
    for (let start = 0; start < visible.length;) {
      let end = start + 1;
      while (visible[end]?.hostname === visible[start]?.hostname && end < visible.length) end++;
      if (end > start + 1) {
        const same = visible.slice(start, end);
        visible.splice(start, end - start, ...same.filter((service) => !forEverybody(service)), ...same.filter(forEverybody));
      }
      start = end;
    }
    return visible;
  }

  /** Whoever has the host, in any namespace. */
  first(hostname: string): Service | undefined {
    return this.#byHost.get(hostname)?.[0];
  }

  /** A VirtualService's destination: the caller's namespace first, else the first namespace by name whose service the caller sees. */
  destination(hostname: string, namespace: string): Service | undefined {
    const candidates = this.#byHost.get(hostname) ?? [];
    const own = candidates.find((service) => service.namespace === namespace);
    if (own !== undefined) return own;
    const visible = candidates.filter((service) => this.isVisible(service, namespace));
    const owner = visible.map((service) => service.namespace).sort()[0];
    return visible.find((service) => service.namespace === owner);
  }

  /** Services whose selector selects a workload, by hostname in order. */
  selecting(namespace: string, labels: Labels): readonly Service[] {
    this.#byPair ??= selectorsByPair(this.services);
    const found = new Set<Service>();
    for (const [key, value] of Object.entries(labels)) {
      for (const service of this.#byPair.get(`${namespace}|${key}|${value}`) ?? []) {
        if (selects(service.selector ?? {}, labels)) found.add(service);
      }
    }
    return [...found].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  }
}

/** Each service under one pair of its selector: a workload that it selects bears that pair. */
function selectorsByPair(services: readonly Service[]): ReadonlyMap<string, readonly Service[]> {
  const result = new Map<string, Service[]>();
  for (const service of services) {
    const pair = Object.entries(service.selector ?? {})[0];
    if (pair === undefined) continue;
    const key = `${service.namespace}|${pair[0]}|${pair[1]}`;
    const list = result.get(key);
    if (list === undefined) result.set(key, [service]);
    else list.push(service);
  }
  return result;
}
