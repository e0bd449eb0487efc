// The HTTP routes of one VirtualService, for one caller and one port: conditions on the caller are decided here, the rest becomes
// Envoy routes in the order of the rules. Sidecars and gateways share this.
import { base64Decode } from "@bufbuild/protobuf/wire";
import { create } from "@bufbuild/protobuf";
import {
  RedirectAction_RedirectResponseCode as RedirectCode,
  DecoratorSchema,
  DirectResponseActionSchema,
  RedirectActionSchema,
  RouteActionSchema,
  RouteSchema,
  WeightedClusterSchema,
  WeightedCluster_ClusterWeightSchema,
  type DirectResponseAction,
  type RedirectAction,
  type Route,
  type RouteAction,
  type WeightedCluster_ClusterWeight,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import type {
  Destination,
  HTTPDirectResponse,
  HTTPMatchRequest,
  HTTPRedirect,
  HTTPRoute,
  HTTPRouteDestination,
} from "#api/virtual-service";
import type { ResolvedVirtualService } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import { outboundClusterName, parseClusterName } from "#control-plane/generate/cluster/cluster-name";
import { durationOf } from "#control-plane/generate/duration";
import { headerEdits } from "./header-edits.ts";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { retryPolicy } from "./retry-policy.ts";
import { routeFilters } from "./route-filters.ts";
import { isCatchAll, operationPath, routeMatch } from "./route-match.ts";

/** All that routes of a VirtualService depend on, beside the VirtualService. */
export interface RouteContext {
  readonly config: MeshConfigSpec;
  readonly callerLabels: Readonly<Record<string, string>>;
  readonly callerNamespace: string;
  /** `mesh`, or the one Gateway (`namespace/name`) that routes are made for. */
  readonly gateway: string;
  /** The port that the caller addresses: a service port in the mesh, a server port at a gateway. */
  readonly port: number;
  service(hostname: string): Service | undefined;
}

/** Empty when no rule is for this caller: then the VirtualService does not count here. */
export function virtualServiceRoutes(virtualService: ResolvedVirtualService, context: RouteContext): readonly Route[] {
  const routes: Route[] = [];
  for (const rule of virtualService.spec.http ?? []) {
    const matches = rule.match === undefined || rule.match.length === 0 ? [undefined] : rule.match;
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

function isForCaller(match: HTTPMatchRequest, virtualService: ResolvedVirtualService, context: RouteContext): boolean {
  if (match.port !== undefined && match.port !== 0 && match.port !== context.port) return false;
  if (match.gateways !== undefined && match.gateways.length > 0) {
    const namespace = virtualService.object.metadata.namespace;
    return match.gateways.some((name) => (name === "mesh" || name.includes("/") ? name : `${namespace}/${name}`) === context.gateway);
  }
  for (const [key, value] of Object.entries(match.sourceLabels ?? {})) {
    if (context.callerLabels[key] !== value) return false;
  }
  return match.sourceNamespace === undefined || match.sourceNamespace === "" || match.sourceNamespace === context.callerNamespace;
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
    match: routeMatch(match),
    metadata: istioMetadata({ config: configPath(virtualService.object) }),
    requestHeadersToAdd: edits.requestHeadersToAdd,
    requestHeadersToRemove: edits.requestHeadersToRemove,
    responseHeadersToAdd: edits.responseHeadersToAdd,
    responseHeadersToRemove: edits.responseHeadersToRemove,
    typedPerFilterConfig: routeFilters(rule),
  });
  if (rule.redirect !== undefined) {
    route.action = { case: "redirect", value: redirectAction(rule.redirect, context.port) };
  } else if (rule.directResponse !== undefined) {
    route.action = { case: "directResponse", value: directResponseAction(rule.directResponse) };
  } else if (rule.route !== undefined && rule.route.length > 0) {
    route.action = { case: "route", value: forwardAction(route, rule, rule.route, edits.authority, context) };
  } else {
    // A delegating rule: its routes stand in another VirtualService, which is not followed yet (the decoder says so by name).
    return undefined;
  }
  route.decorator = create(DecoratorSchema, { operation: operation(route, virtualService, context.port) });
  return route;
}

function forwardAction(
  route: Route,
  rule: HTTPRoute,
  destinations: readonly HTTPRouteDestination[],
  authority: string,
  context: RouteContext,
): RouteAction {
  const rewrite = rule.rewrite;
  const hostRewrite = rewrite?.authority || authority;
  const retries = retryPolicy(rule.retries ?? context.config.defaultHttpRetryPolicy);
  const action = create(RouteActionSchema, {
    // No timeout is no limit in Istio, and Envoy's own default is 15 s: 0 must be said.
    timeout: durationOf(rule.timeout ?? 0),
    maxGrpcTimeout: durationOf(rule.timeout ?? 0),
    ...(retries === undefined ? {} : { retryPolicy: retries }),
    ...(rewrite?.uriRegexRewrite === undefined
      ? { prefixRewrite: rewrite?.uri ?? "" }
      : { regexRewrite: { pattern: { regex: rewrite.uriRegexRewrite.match ?? "" }, substitution: rewrite.uriRegexRewrite.rewrite ?? "" } }),
    ...(hostRewrite === "" ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: hostRewrite } }),
  });
  const [first, ...others] = destinations;
  if (first === undefined || others.length > 0) {
    // A destination of weight 0 beside others gets nothing: it is left out, as istiod does.
    const clusters = destinations.filter((to) => (to.weight ?? 0) !== 0).map((to) => clusterWeight(to, context));
    action.clusterSpecifier = { case: "weightedClusters", value: create(WeightedClusterSchema, { clusters }) };
    return action;
  }
  const edits = headerEdits(first.headers);
  route.requestHeadersToAdd.push(...edits.requestHeadersToAdd);
  route.requestHeadersToRemove.push(...edits.requestHeadersToRemove);
  route.responseHeadersToAdd.push(...edits.responseHeadersToAdd);
  route.responseHeadersToRemove.push(...edits.responseHeadersToRemove);
  // A Host set on the rule stands above one set on its destination.
  if (edits.authority !== "" && action.hostRewriteSpecifier.case === undefined) {
    action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: edits.authority };
  }
  action.clusterSpecifier = { case: "cluster", value: destinationCluster(first.destination, context) };
  return action;
}

function clusterWeight(to: HTTPRouteDestination, context: RouteContext): WeightedCluster_ClusterWeight {
  const edits = headerEdits(to.headers);
  return create(WeightedCluster_ClusterWeightSchema, {
    name: destinationCluster(to.destination, context),
    weight: to.weight ?? 0,
    requestHeadersToAdd: edits.requestHeadersToAdd,
    requestHeadersToRemove: edits.requestHeadersToRemove,
    responseHeadersToAdd: edits.responseHeadersToAdd,
    responseHeadersToRemove: edits.responseHeadersToRemove,
    ...(edits.authority === "" ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: edits.authority } }),
  });
}

/** The port: the one that is written, else the only one of the service, else the one that the caller addressed. */
function destinationCluster(destination: Destination, context: RouteContext): string {
  const ports = context.service(destination.host)?.ports ?? [];
  const port = destination.port?.number ?? (ports.length === 1 ? ports[0]?.number : undefined) ?? context.port;
  return outboundClusterName(port, destination.subset ?? "", destination.host);
}

const REDIRECT_CODES: Readonly<Record<number, RedirectCode>> = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
};

function redirectAction(redirect: HTTPRedirect, callerPort: number): RedirectAction {
  const scheme = redirect.scheme ?? "";
  let port = redirect.derivePort === "FROM_REQUEST_PORT" ? callerPort : (redirect.port ?? 0);
  // A scheme's own port is not written out. Routes are made for plaintext listeners only, so without a scheme it is http.
  if ((port === 80 && (scheme === "" || scheme === "http")) || (port === 443 && scheme === "https")) port = 0;
  return create(RedirectActionSchema, {
    hostRedirect: redirect.authority ?? "",
    portRedirect: port,
    responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? RedirectCode.MOVED_PERMANENTLY,
    pathRewriteSpecifier:
      redirect.prefixRewrite === undefined || redirect.prefixRewrite === ""
        ? { case: "pathRedirect", value: redirect.uri ?? "" }
        : { case: "prefixRewrite", value: redirect.prefixRewrite },
    ...(scheme === "" ? {} : { schemeRewriteSpecifier: { case: "schemeRedirect", value: scheme } }),
  });
}

function directResponseAction(response: HTTPDirectResponse): DirectResponseAction {
  const body = response.body;
  return create(DirectResponseActionSchema, {
    status: response.status,
    ...(body?.string === undefined ? {} : { body: { specifier: { case: "inlineString", value: body.string } } }),
    ...(body?.bytes === undefined ? {} : { body: { specifier: { case: "inlineBytes", value: base64Decode(body.bytes) } } }),
  });
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
