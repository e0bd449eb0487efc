// Which hosts a sidecar's application can call on one port, with their routes: hosts of VirtualServices first, in the order in which
// these count, then the other services. Domains are given when a route configuration is put together.
import type { Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { HostTable, hostsOverlap, isWildcard } from "#control-plane/mesh/host";
import type { ResolvedDestinationRule, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { isHttp, type Service, type ServicePort } from "#control-plane/registry/service";
import { defaultRoutes } from "./default-route.ts";
import { rememberedRoutes } from "./remembered-routes.ts";
import type { Caller, RouteContext } from "./route-context.ts";
import { virtualServiceRoutes } from "./virtual-service-routes.ts";

/** Hosts of VirtualServices that are no service are reached on this port, and on those of the services beside them, as in Istio. */
export const UNKNOWN_HOST_PORT = 80;
/** Stands for every port at once: at the HTTP proxy port and at unix sockets. */
export const ALL_PORTS = 0;

export interface SidecarHostInputs {
  readonly config: MeshConfigSpec;
  readonly caller: Caller;
  /** The port that the application calls, or ALL_PORTS. */
  readonly port: number;
  /** What one egress listener offers. */
  readonly services: readonly Service[];
  readonly virtualServices: readonly ResolvedVirtualService[];
  /** Only this service is wanted: what others there are does not cost anything then. */
  readonly only?: string | undefined;
  /** Where ports of destinations are looked up; without it among the services of the port. */
  readonly destinationService?: ((hostname: string) => Service | undefined) | undefined;
  destinationRule(hostname: string): ResolvedDestinationRule | undefined;
}

export interface HostRoutes {
  readonly host: string;
  readonly port: number;
  /** undefined: a VirtualService's host that is no service on this port. */
  readonly service: Service | undefined;
  readonly routes: readonly Route[];
}

/** Ports whose requests are routed one by one. A port of unknown protocol may carry HTTP, so it has routes too. */
export function hasRoutes(port: ServicePort): boolean {
  return isHttp(port.protocol) || port.protocol === "AUTO";
}

export function sidecarHosts(inputs: SidecarHostInputs): readonly HostRoutes[] {
  const { only } = inputs;
  const services = servicesOnPort(inputs.services, inputs.port);
  const owners = wildcardOwners(inputs);
  const hosts: HostRoutes[] = [];
  const claimed = new Set<string>();
  for (const virtualService of inputs.virtualServices) {
    if (only !== undefined && !virtualService.hosts.some((host) => hostsOverlap(host, only))) continue;
    const { known, unknown } = splitHosts(virtualService, services, owners);
    const ports = byPort(known, inputs.port);
    if (ports.size === 0) continue;
    const routes = rememberedRoutes(virtualService, routeContext(inputs, services), (context) =>
      virtualServiceRoutes(virtualService, context),
    );
    // Without a rule for this caller the VirtualService does not count here, and the next one of the host gets its turn.
    if (routes.length === 0) continue;
    for (const [port, onPort] of ports) {
      for (const host of unknown) hosts.push({ host, port, service: undefined, routes });
      for (const service of onPort) {
        hosts.push({ host: service.hostname, port, service, routes });
        claimed.add(service.hostname);
      }
    }
  }
  const one = only === undefined ? undefined : services.get(only);
  for (const service of only === undefined ? services.values() : one === undefined ? [] : [one]) {
    // A service that stands for another is one more name of that other; alone it has no endpoints to lead to.
    if (claimed.has(service.hostname) || service.resolution === "ALIAS") continue;
    for (const { number } of service.ports.filter(hasRoutes)) {
      const routes = defaultRoutes(service, number, inputs.destinationRule(service.hostname), inputs);
      hosts.push({ host: service.hostname, port: number, service, routes });
    }
  }
  return hosts;
}

function routeContext(inputs: SidecarHostInputs, services: ReadonlyMap<string, Service>): RouteContext {
  return {
    config: inputs.config,
    caller: inputs.caller,
    gateway: "mesh",
    port: inputs.port,
    endsTls: false,
    service: inputs.destinationService ?? ((hostname) => services.get(hostname)),
    destinationRule: (hostname) => inputs.destinationRule(hostname),
  };
}

/** Many route configurations are made of one list of services: it is looked through once. */
const byList = new WeakMap<readonly Service[], ServicesByPort>();

class ServicesByPort {
  readonly all = new Map<string, Service>();
  readonly #ports = new Map<number, Map<string, { readonly service: Service; readonly ports: ServicePort[] }>>();
  readonly #found = new Map<number, ReadonlyMap<string, Service>>();

  constructor(services: readonly Service[]) {
    for (const service of services) {
      this.all.set(service.hostname, service);
      for (const port of service.ports) {
        let byHost = this.#ports.get(port.number);
        if (byHost === undefined) this.#ports.set(port.number, (byHost = new Map()));
        const known = byHost.get(service.hostname);
        // Of several services of a name the last one counts, in the place of the first.
        if (known?.service === service) known.ports.push(port);
        else byHost.set(service.hostname, { service, ports: [port] });
      }
    }
  }

  on(port: number): ReadonlyMap<string, Service> {
    let found = this.#found.get(port);
    if (found !== undefined) return found;
    found = new Map(
      [...(this.#ports.get(port) ?? [])].map(([hostname, { service, ports }]) => [
        hostname,
        ports.length === service.ports.length ? service : withPorts(service, port, ports),
      ]),
    );
    this.#found.set(port, found);
    return found;
  }
}

const narrowed = new WeakMap<Service, Map<number, Service>>();

/** For one service and port always the same one. */
function withPorts(service: Service, port: number, ports: readonly ServicePort[]): Service {
  let byPort = narrowed.get(service);
  if (byPort === undefined) narrowed.set(service, (byPort = new Map()));
  let result = byPort.get(port);
  if (result === undefined) byPort.set(port, (result = { ...service, ports }));
  return result;
}

/** The services that have the port, with no other port: a destination on it needs no port written out. */
function servicesOnPort(services: readonly Service[], port: number): ReadonlyMap<string, Service> {
  let byPort = byList.get(services);
  if (byPort === undefined) byList.set(services, (byPort = new ServicesByPort(services)));
  return port === ALL_PORTS ? byPort.all : byPort.on(port);
}

/** Of a service: the VirtualService that names it most closely, the oldest of several. Only that one's wildcard may claim it. */
type WildcardOwner = (hostname: string) => ResolvedVirtualService | undefined;

const ownersByList = new WeakMap<readonly ResolvedVirtualService[], WildcardOwner>();

function wildcardOwners({ virtualServices }: SidecarHostInputs): WildcardOwner {
  const known = ownersByList.get(virtualServices);
  if (known !== undefined) return known;
  const closest = new HostTable<ResolvedVirtualService>();
  for (const virtualService of virtualServices) {
    for (const host of virtualService.hosts) if (closest.get(host) === undefined) closest.set(host, virtualService);
  }
  const owner: WildcardOwner = (hostname) => closest.find(hostname);
  ownersByList.set(virtualServices, owner);
  return owner;
}

/** A wildcard stands for the services that it matches; only where it matches none it is a host of its own. */
function splitHosts(
  virtualService: ResolvedVirtualService,
  services: ReadonlyMap<string, Service>,
  ownerOf: WildcardOwner,
): { readonly known: readonly Service[]; readonly unknown: readonly string[] } {
  const known = new Set<Service>();
  const unknown: string[] = [];
  for (const host of virtualService.hosts) {
    if (isWildcard(host)) continue;
    const service = services.get(host);
    if (service === undefined) unknown.push(host);
    else known.add(service);
  }
  for (const wildcard of virtualService.hosts.filter(isWildcard)) {
    let matched = false;
    for (const [hostname, service] of services) {
      if (!hostsOverlap(hostname, wildcard)) continue;
      matched = true;
      if (ownerOf(hostname) === virtualService) known.add(service);
    }
    if (!matched) unknown.push(wildcard);
  }
  return { known: [...known], unknown };
}

function byPort(services: readonly Service[], port: number): ReadonlyMap<number, readonly Service[]> {
  const ports = new Map<number, Service[]>();
  for (const service of services) {
    for (const { number } of service.ports.filter(hasRoutes)) {
      const list = ports.get(number);
      if (list === undefined) ports.set(number, [service]);
      else list.push(service);
    }
  }
  if (ports.size === 0 && port === UNKNOWN_HOST_PORT) ports.set(port, []);
  return ports;
}
