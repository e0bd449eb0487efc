// Completes the short names of a VirtualService with its own namespace, once, so that nobody behind has to know where it stood.
import type { ApiObject } from "#api/object";
import type { Destination, HTTPRoute, VirtualServiceSpec } from "#api/virtual-service";
import { fullHost } from "./host.ts";
import type { ResolvedVirtualService } from "./mesh.ts";

export const MESH_GATEWAY = "mesh";

/** `gw` -> `namespace/gw`; `./gw` and the old `gw.namespace.svc...` likewise; `mesh` stays. */
export function fullGateway(gateway: string, namespace: string): string {
  if (gateway === MESH_GATEWAY) return gateway;
  if (gateway.startsWith("./")) return `${namespace}/${gateway.slice(2)}`;
  if (gateway.includes("/")) return gateway;
  const [name = "", ownNamespace] = gateway.split(".");
  return `${ownNamespace ?? namespace}/${name}`;
}

export function resolveVirtualService(object: ApiObject<VirtualServiceSpec>, domain: string): ResolvedVirtualService {
  const { spec } = object;
  const { namespace } = object.metadata;
  const destination = <D extends Destination | undefined>(written: D): D =>
    written === undefined ? written : ({ ...written, host: fullHost(written.host, namespace, domain) } as D);
  const routes = <R extends { readonly destination?: Destination | undefined }>(
    written: readonly R[] | undefined,
  ): readonly R[] | undefined => written?.map((route) => ({ ...route, destination: destination(route.destination) }));
  const matches = <M extends { readonly gateways?: readonly string[] | undefined }>(
    written: readonly M[] | undefined,
  ): readonly M[] | undefined =>
    written?.map((match) =>
      match.gateways === undefined ? match : { ...match, gateways: match.gateways.map((gateway) => fullGateway(gateway, namespace)) },
    );
  const http = spec.http?.map((route): HTTPRoute => ({
    ...route,
    match: matches(route.match),
    route: routes(route.route),
    mirror: destination(route.mirror),
    mirrors: routes(route.mirrors),
  }));
  const hosts = (spec.hosts ?? []).map((host) => fullHost(host, namespace, domain));
  const gateways =
    spec.gateways === undefined || spec.gateways.length === 0
      ? [MESH_GATEWAY]
      : spec.gateways.map((gateway) => fullGateway(gateway, namespace));
  return {
    object,
    hosts,
    gateways,
    spec: {
      ...spec,
      hosts,
      gateways,
      http,
      tls: spec.tls?.map((route) => ({ ...route, match: matches(route.match) ?? [], route: routes(route.route) })),
      tcp: spec.tcp?.map((route) => ({ ...route, match: matches(route.match), route: routes(route.route) })),
    },
  };
}
