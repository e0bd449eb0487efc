// What all route configurations share: their frame, that of virtual hosts, and the order of these.
import { create } from "@bufbuild/protobuf";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import {
  VirtualHost_TlsRequirementType as TlsRequirement,
  VirtualHostSchema,
  type Route,
  type VirtualHost,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ProxyConfig } from "#api/mesh-config";

/** As much as a VirtualService may hold; Envoy's own limit is 4 KB. */
const MAX_DIRECT_RESPONSE_BYTES = 1024 * 1024;

export function routeConfiguration(name: string, virtualHosts: VirtualHost[], ignorePort: boolean): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts,
    // Routes may arrive before their clusters and outlive them: that is a 503, not a refused table.
    validateClusters: false,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    ignorePortInHostMatching: ignorePort,
  });
}

export interface VirtualHostSettings {
  /** Whether the destination is told how often its request was tried. */
  readonly includeRequestAttemptCount: boolean;
  /** Plain HTTP is sent to HTTPS. */
  readonly httpsRedirect?: boolean;
}

/** Of all virtual hosts that one proxy gets. */
export function virtualHostSettings(config: ProxyConfig): VirtualHostSettings {
  return { includeRequestAttemptCount: config.proxyHeaders?.attemptCount?.disabled !== true };
}

const madeOf = new WeakMap<readonly Route[], Map<string, VirtualHost>>();

/** For the same routes, names and settings always the same one: nobody may change it. */
export function virtualHost(
  name: string,
  domains: readonly string[],
  routes: readonly Route[],
  { includeRequestAttemptCount, httpsRedirect = false }: VirtualHostSettings,
): VirtualHost {
  let made = madeOf.get(routes);
  if (made === undefined) madeOf.set(routes, (made = new Map()));
  const key = `${name} ${includeRequestAttemptCount} ${httpsRedirect} ${domains.join(" ")}`;
  let host = made.get(key);
  if (host === undefined) {
    const requireTls = httpsRedirect ? TlsRequirement.ALL : TlsRequirement.NONE;
    host = create(VirtualHostSchema, { name, domains: [...domains], routes: [...routes], includeRequestAttemptCount, requireTls });
    made.set(key, host);
  }
  return host;
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
