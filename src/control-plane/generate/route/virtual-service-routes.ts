// The HTTP routes of one VirtualService, for one caller and one port: conditions on the caller are decided here, the rest becomes
// Envoy routes in the order of the rules. Sidecars and gateways share this.
import { create } from "@bufbuild/protobuf";
import { DecoratorSchema, RouteSchema, type Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { HTTPMatchRequest, HTTPRoute } from "#api/virtual-service";
import type { ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { parseClusterName } from "#control-plane/generate/cluster/cluster-name";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { headerEdits } from "./header-edits.ts";
import { directResponseAction, redirectAction } from "./redirect-action.ts";
import { routeAction } from "./route-action.ts";
import type { RouteContext } from "./route-context.ts";
import { routeFilters } from "./route-filters.ts";
import { isCatchAll, operationPath, pathRules, routeMatch } from "./route-match.ts";

/** Empty when no rule is for this caller: then the VirtualService does not count here. */
export function virtualServiceRoutes(virtualService: ResolvedVirtualService, context: RouteContext): readonly Route[] {
  const routes: Route[] = [];
  for (const rule of virtualService.spec.http ?? []) {
    const conditions = rule.match ?? [];
    const matches = conditions.length === 0 ? [undefined] : conditions;
    for (const match of matches) {
      if (match !== undefined && !isForCaller(match, virtualService, context)) continue;
      const route = httpRoute(rule, match, virtualService, context);
      if (route === undefined) continue;
      routes.push(route);
      // What stands behind a catch-all can never match: it is not sent.
      if (isCatchAll(route.match)) return routes;
    }
  }
  return routes;
}

/** With gateways in a match, who calls through them does not count, as in Istio. */
function isForCaller(match: HTTPMatchRequest, virtualService: ResolvedVirtualService, context: RouteContext): boolean {
  const { caller } = context;
  if (match.port !== undefined && match.port !== 0 && match.port !== context.port) return false;
  if (match.gateways !== undefined && match.gateways.length > 0) {
    const namespace = virtualService.object.metadata.namespace;
    return match.gateways.some((name) => (name === "mesh" || name.includes("/") ? name : `${namespace}/${name}`) === context.gateway);
  }
  for (const [key, value] of Object.entries(match.sourceLabels ?? {})) {
    if (caller.labels[key] !== value) return false;
  }
  return match.sourceNamespace === undefined || match.sourceNamespace === "" || match.sourceNamespace === caller.namespace;
}

function httpRoute(
  rule: HTTPRoute,
  match: HTTPMatchRequest | undefined,
  virtualService: ResolvedVirtualService,
  context: RouteContext,
): Route | undefined {
  const edits = headerEdits(rule.headers);
  const route = create(RouteSchema, {
    name: `${rule.name ?? ""}${match?.name === undefined || match.name === "" ? "" : `.${match.name}`}`,
    match: routeMatch(match, pathRules(virtualService.object)),
    metadata: istioMetadata({ config: configPath(virtualService.object) }),
    requestHeadersToAdd: edits.requestHeadersToAdd,
    requestHeadersToRemove: edits.requestHeadersToRemove,
    responseHeadersToAdd: edits.responseHeadersToAdd,
    responseHeadersToRemove: edits.responseHeadersToRemove,
    typedPerFilterConfig: routeFilters(rule),
    statPrefix: match?.statPrefix ?? "",
  });
  if (rule.redirect !== undefined) {
    route.action = { case: "redirect", value: redirectAction(rule.redirect, context) };
  } else if (rule.directResponse !== undefined) {
    route.action = { case: "directResponse", value: directResponseAction(rule.directResponse) };
  } else if (rule.route !== undefined && rule.route.length > 0) {
    route.action = { case: "route", value: routeAction(route, rule, edits.authority, context) };
  } else {
    // A delegating rule whose VirtualService is not there: nobody has said where its requests go.
    return undefined;
  }
  route.decorator = create(DecoratorSchema, { operation: operation(route, virtualService, context.port) });
  return route;
}

/** What a trace calls the route: `host:port/path*`, or with several destinations the VirtualService's name in place of the host. */
function operation(route: Route, virtualService: ResolvedVirtualService, callerPort: number): string {
  const path = route.match === undefined ? "/*" : operationPath(route.match);
  const cluster =
    route.action.case === "route" && route.action.value.clusterSpecifier.case === "cluster"
      ? route.action.value.clusterSpecifier.value
      : "";
  const target = parseClusterName(cluster);
  if (target !== undefined) return `${target.hostname}:${target.port}${path}`;
  return `${virtualService.object.metadata.name}:${callerPort}${path}`;
}
