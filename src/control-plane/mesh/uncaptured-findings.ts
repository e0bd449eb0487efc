// What cannot work beside proxies that take calls through their HTTP proxy port only, because nothing captures connections: such a
// proxy never learns where a connection was meant to go. Pure.
import type { Finding } from "#api/finding";
import { keyOf } from "#api/object";
import { isHttp, type Service } from "#control-plane/registry/service";
import { hostsOverlap } from "./host.ts";
import type { ProxyView, ResolvedVirtualService } from "./mesh.ts";
import { writtenPolicies } from "./written-policies.ts";

/** `views` are those of connected proxies. */
export function uncapturedFindings(views: readonly ProxyView[]): readonly Finding[] {
  const uncaptured = views.filter(({ node }) => node.type === "sidecar" && node.httpProxy !== undefined);
  return [...withoutDestination(uncaptured), ...passingThrough(uncaptured), ...withoutConnections(uncaptured)];
}

function withoutDestination(views: readonly ProxyView[]): readonly Finding[] {
  const services = new Set(views.flatMap((view) => view.services.filter((service) => needsDestination(service, view))));
  return [...services].map(({ object, hostname }) => ({
    level: "error",
    code: "MZ0009",
    object,
    field: "spec.resolution",
    message: `NONE needs captured connections, and nothing captures them here: requests for ${hostname} are answered with 503`,
    hint: "use resolution DNS, or STATIC with endpoints",
  }));
}

function needsDestination(service: Service, { mesh }: ProxyView): boolean {
  if (service.source !== "ServiceEntry" || service.resolution !== "NONE") return false;
  const { hostname, namespace } = service;
  return service.ports.some((port) => isHttp(port.protocol) && mesh.endpoints(hostname, port.number, namespace).length === 0);
}

function passingThrough(views: readonly ProxyView[]): readonly Finding[] {
  const rules = new Set(views.flatMap((view) => view.services.flatMap(({ hostname }) => view.destinationRule(hostname)?.objects ?? [])));
  return [...rules].flatMap((object) =>
    [...writtenPolicies(object.spec)].flatMap(({ policy, field }) => {
      if (policy.loadBalancer?.simple !== "PASSTHROUGH") return [];
      return {
        level: "error" as const,
        code: "MZ0009",
        object: keyOf(object),
        field: `${field}.loadBalancer.simple`,
        message: `PASSTHROUGH needs captured connections, and nothing captures them here: requests for ${object.spec.host} are answered with 503`,
        hint: "use LEAST_REQUEST, ROUND_ROBIN or RANDOM",
      };
    }),
  );
}

function withoutConnections(views: readonly ProxyView[]): readonly Finding[] {
  const unreached = new Map<ResolvedVirtualService["object"], boolean>();
  for (const view of views) {
    for (const virtualService of view.meshVirtualServices) {
      const { object } = virtualService;
      if (routesConnections(virtualService)) unreached.set(object, unreached.get(object) !== false && !isReached(virtualService, view));
    }
  }
  return [...unreached].flatMap(([object, isUnreached]) => {
    if (!isUnreached) return [];
    return {
      level: "warning" as const,
      code: "MZ0004",
      object: keyOf(object),
      field: object.spec.tcp === undefined ? "spec.tls" : "spec.tcp",
      message: "has no effect on sidecars: nothing captures connections here, and no Sidecar names a port for these hosts",
      hint: "name the port, with bind, in the egress of a Sidecar, and have the application connect to it",
    };
  });
}

function routesConnections({ spec }: ResolvedVirtualService): boolean {
  return (spec.tcp ?? []).length > 0 || (spec.tls ?? []).length > 0;
}

function isReached({ hosts }: ResolvedVirtualService, view: ProxyView): boolean {
  return view.egressListeners.some(
    ({ port, services }) =>
      port !== undefined && !isHttp(port.protocol) && services.some(({ hostname }) => hosts.some((host) => hostsOverlap(hostname, host))),
  );
}
