// The routes of hosts that no VirtualService says anything about.
import { create } from "@bufbuild/protobuf";
import { RouteSchema, type Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { Service } from "#control-plane/registry/service";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import type { MeshConfigSpec } from "#api/mesh-config";
import { hashPolicy, serviceHash } from "./hash-policy.ts";
import { timeouts } from "./route-action.ts";
import { retryPolicy } from "./retry-policy.ts";
import type { RouteContext } from "./route-context.ts";
import { sameRule } from "./remembered-routes.ts";
import { routeMatch } from "./route-match.ts";

interface Remembered {
  readonly config: MeshConfigSpec;
  readonly rule: ResolvedDestinationRule | undefined;
  readonly routes: readonly Route[];
}

const remembered = new WeakMap<Service, Map<string, Remembered>>();

/** The one route of a virtual host; the same list as before when nothing of it changed. */
export function defaultRoutes(
  service: Service,
  port: number,
  rule: ResolvedDestinationRule | undefined,
  context: Pick<RouteContext, "config" | "caller">,
): readonly Route[] {
  let known = remembered.get(service);
  if (known === undefined) remembered.set(service, (known = new Map()));
  const key = `${port} ${context.caller.proxyless}`;
  const before = known.get(key);
  if (before !== undefined && before.config === context.config && sameRule(before.rule, rule)) return before.routes;
  const routes = [defaultRoute(service, port, rule, context)];
  known.set(key, { config: context.config, rule, routes });
  return routes;
}

/** To the service itself. Its retries may go to another host even where a hash names one, as in Istio. */
function defaultRoute(
  service: Service,
  port: number,
  rule: ResolvedDestinationRule | undefined,
  { config, caller }: Pick<RouteContext, "config" | "caller">,
): Route {
  const retries = retryPolicy(config.defaultHttpRetryPolicy, false);
  const hash = serviceHash(rule, port);
  const policy = hash === undefined ? undefined : hashPolicy(hash);
  return create(RouteSchema, {
    name: "default",
    match: routeMatch(undefined, "characters"),
    decorator: { operation: `${service.hostname}:${port}/*` },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: outboundClusterName(port, "", service.hostname) },
        ...timeouts(0, caller),
        hashPolicy: policy === undefined ? [] : [policy],
        ...(retries === undefined ? {} : { retryPolicy: retries }),
      },
    },
  });
}
