// What one proxy may reach: the egress listeners of the Sidecar that applies to it, or one listener with everything that its namespace
// sees; and the services of all of them, one a hostname.
import type { EgressListener as WrittenListener, SidecarSpec } from "#api/sidecar";
import { parseProtocol } from "#control-plane/registry/protocol";
import type { Service } from "#control-plane/registry/service";
import { EgressHosts } from "./egress-hosts.ts";
import type { EgressListener, ResolvedVirtualService } from "./mesh.ts";
import type { ServiceIndex } from "./service-index.ts";
import { destinationsOf, type DestinationPorts } from "./virtual-service-destinations.ts";

export interface SidecarScope {
  readonly listeners: readonly EgressListener[];
  /** By hostname in order. */
  readonly services: readonly Service[];
  readonly byHostname: ReadonlyMap<string, Service>;
  /** Those of all listeners, in the order in which they count. */
  readonly virtualServices: readonly ResolvedVirtualService[];
}

export interface SidecarScopeInputs {
  /** Of the proxy: where a Sidecar of the root namespace applies, `.` is the proxy's namespace. */
  readonly namespace: string;
  readonly sidecar: SidecarSpec | undefined;
  readonly index: ServiceIndex;
  /** What the namespace sees, in the order in which they count. */
  readonly virtualServices: readonly ResolvedVirtualService[];
}

const EVERYTHING: WrittenListener = { hosts: ["*/*"] };
/** A generic proxy for HTTP: it leads to all ports of its services. */
const HTTP_PROXY = "http_proxy";

export function sidecarScope(inputs: SidecarScopeInputs): SidecarScope {
  const { namespace, sidecar, index, virtualServices } = inputs;
  const written = sidecar?.egress !== undefined && sidecar.egress.length > 0 ? sidecar.egress : [EVERYTHING];
  const visible = index.visibleTo(namespace);
  const merged = new MergedServices();
  const listeners: EgressListener[] = [];
  const seen = new Set<ResolvedVirtualService>();
  for (const listener of written) {
    const hosts = new EgressHosts(listener.hosts, namespace);
    const onlyPort = narrowingPort(listener);
    const services = importedServices(visible, hosts, namespace, onlyPort);
    const own = virtualServices.filter((candidate) => hosts.hasVirtualService(candidate.hosts, candidate.object.metadata.namespace));
    listeners.push({ ...placeOf(listener), services, virtualServices: own });
    for (const service of services) merged.add(service);
    for (const virtualService of own) {
      seen.add(virtualService);
      // What a route leads to can be reached, whatever the hosts say.
      for (const [hostname, ports] of destinationsOf(virtualService, namespace)) {
        const service = index.destination(hostname, namespace);
        const narrowed = service === undefined ? undefined : withPorts(service, onlyPort === undefined ? ports : new Set([onlyPort]));
        if (narrowed !== undefined) merged.add(narrowed);
      }
    }
  }
  const services = merged.services;
  return {
    listeners,
    services,
    byHostname: new Map(services.map((service) => [service.hostname, service])),
    virtualServices: virtualServices.filter((candidate) => seen.has(candidate)),
  };
}

/** Gateways know no Sidecar: everything that their namespace sees. */
export function gatewayScope(inputs: Omit<SidecarScopeInputs, "sidecar">): SidecarScope {
  const merged = new MergedServices();
  for (const service of inputs.index.visibleTo(inputs.namespace)) merged.add(service);
  const { services } = merged;
  const { virtualServices } = inputs;
  return {
    listeners: [{ ...placeOf(EVERYTHING), services, virtualServices }],
    services,
    byHostname: new Map(services.map((service) => [service.hostname, service])),
    virtualServices,
  };
}

function placeOf({ port, bind, captureMode }: WrittenListener): Pick<EgressListener, "port" | "bind" | "captureMode"> {
  return {
    port:
      port === undefined ? undefined : { number: port.number ?? 0, protocol: parseProtocol(port.protocol ?? ""), name: port.name ?? "" },
    bind: bind ?? "",
    captureMode: captureMode ?? "DEFAULT",
  };
}

function narrowingPort({ port }: WrittenListener): number | undefined {
  if (port?.number === undefined || port.number === 0) return undefined;
  return port.protocol?.toLowerCase() === HTTP_PROXY ? undefined : port.number;
}

/** Of one hostname those of one namespace: the own, else that of a Kubernetes Service, else the first. */
function importedServices(
  visible: readonly Service[],
  hosts: EgressHosts,
  namespace: string,
  onlyPort: number | undefined,
): readonly Service[] {
  const imported: Service[] = [];
  const owners = new Map<string, Service>();
  for (const service of visible) {
    if (!hosts.hasService(service.hostname, service.namespace)) continue;
    const narrowed = onlyPort === undefined ? service : withPorts(service, new Set([onlyPort]));
    if (narrowed === undefined) continue;
    imported.push(narrowed);
    const owner = owners.get(service.hostname);
    const isOwn = service.namespace === namespace;
    if (owner === undefined || isOwn) owners.set(service.hostname, service);
    else if (owner.source !== "Service" && service.source === "Service" && owner.namespace !== namespace)
      owners.set(service.hostname, service);
  }
  if (owners.size === imported.length) return imported;
  return imported.filter((service) => owners.get(service.hostname)?.namespace === service.namespace);
}

/** undefined: the service has none of the ports. */
function withPorts(service: Service, wanted: DestinationPorts): Service | undefined {
  if (wanted === "all") return service;
  const ports = service.ports.filter(({ number }) => wanted.has(number));
  if (ports.length === 0) return undefined;
  return ports.length === service.ports.length ? service : { ...service, ports };
}

/** One service a hostname: the Kubernetes Service, else the first; parts of one service and ServiceEntries of one kind lend it their ports. */
class MergedServices {
  readonly #byHostname = new Map<string, Service>();

  add(service: Service): void {
    const known = this.#byHostname.get(service.hostname);
    if (known === undefined || (known.source !== "Service" && service.source === "Service")) {
      this.#byHostname.set(service.hostname, service);
      return;
    }
    if (known === service || (known.source === "Service" && service.source !== "Service") || !canMerge(known, service)) return;
    const added = service.ports.filter((port) => known.ports.every(({ number }) => number !== port.number));
    if (added.length > 0) this.#byHostname.set(service.hostname, { ...known, ports: [...known.ports, ...added] });
  }

  get services(): readonly Service[] {
    return [...this.#byHostname.values()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  }
}

function canMerge(a: Service, b: Service): boolean {
  return (
    a.namespace === b.namespace &&
    a.resolution === b.resolution &&
    sameLabels(a.labels, b.labels) &&
    sameLabels(a.selector ?? {}, b.selector ?? {}) &&
    [...a.exportTo].sort().join() === [...b.exportTo].sort().join()
  );
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
