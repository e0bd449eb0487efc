// Whether a change of endpoints shows in nothing but the endpoints that proxies are told. Elsewhere it shows where a proxy is told of them in
// another form: names in clusters that look them up, addresses of headless services in listeners, accounts in the names that a cluster
// takes from certificates, and ports that are known by name or by the workload's address.
import type { RegistrySnapshot } from "./registry.ts";
import type { Service, ServiceEndpoint } from "./service.ts";

/** Between two snapshots with the same list of services. */
export function changesOnlyEndpoints(before: RegistrySnapshot, after: RegistrySnapshot): boolean {
  const changed = after.changedEndpoints(before);
  if (changed === undefined) return false;
  if (changed.size === 0) return true;
  return after.services.every((service) => !changed.has(service.hostname) || staysWithin(service, before, after));
}

function staysWithin(service: Service, before: RegistrySnapshot, after: RegistrySnapshot): boolean {
  if (service.resolution !== "EDS") return false;
  const [earlier, later] = [endpointsOf(service, before), endpointsOf(service, after)];
  if (!sameTexts(earlier.filter(hasAccount), later.filter(hasAccount), ({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`))
    return false;
  // A workload of the mesh learns by its address that a ServiceEntry leads to it, or which port a name means.
  const knownByAddress =
    (service.source === "ServiceEntry" && service.selector !== undefined && !service.external) ||
    service.ports.some(({ targetPort }) => typeof targetPort === "string");
  return !knownByAddress || sameTexts(earlier, later, ({ address }) => address);
}

function hasAccount({ serviceAccount }: ServiceEndpoint): boolean {
  return serviceAccount !== "";
}

function endpointsOf({ hostname, namespace, ports }: Service, snapshot: RegistrySnapshot): readonly ServiceEndpoint[] {
  return ports.flatMap(({ number }) => snapshot.endpoints(hostname, number, namespace));
}

function sameTexts(a: readonly ServiceEndpoint[], b: readonly ServiceEndpoint[], textOf: (endpoint: ServiceEndpoint) => string): boolean {
  const [left, right] = [new Set(a.map(textOf)), new Set(b.map(textOf))];
  return left.size === right.size && [...left].every((text) => right.has(text));
}
