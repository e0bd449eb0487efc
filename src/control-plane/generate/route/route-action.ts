// Where a route sends requests, and what is done to them on the way.
import { create } from "@bufbuild/protobuf";
import {
  RouteActionSchema,
  WeightedClusterSchema,
  WeightedCluster_ClusterWeightSchema,
  type Route,
  type RouteAction,
  type WeightedCluster_ClusterWeight,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { HTTPRoute, HTTPRouteDestination } from "#api/virtual-service";
import { durationOf } from "#control-plane/generate/duration";
import { destinationCluster } from "./destination-cluster.ts";
import { destinationHash, hashPolicy, type ConsistentHash } from "./hash-policy.ts";
import { headerEdits } from "./header-edits.ts";
import { mirrorPolicies } from "./mirror-policy.ts";
import { retryPolicy } from "./retry-policy.ts";
import type { Caller, RouteContext } from "./route-context.ts";

/** `authority` is what the rule's header edits set Host to. Header edits of a single destination go onto `route`. */
export function routeAction(route: Route, rule: HTTPRoute, authority: string, context: RouteContext): RouteAction {
  const rewrite = rule.rewrite;
  const hostRewrite = rewrite?.authority || authority;
  const action = create(RouteActionSchema, {
    ...timeouts(rule.timeout ?? 0, context.caller),
    requestMirrorPolicies: mirrorPolicies(rule, context),
    ...(rewrite?.uriRegexRewrite === undefined
      ? { prefixRewrite: rewrite?.uri ?? "" }
      : { regexRewrite: { pattern: { regex: rewrite.uriRegexRewrite.match ?? "" }, substitution: rewrite.uriRegexRewrite.rewrite ?? "" } }),
    ...(hostRewrite === "" ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: hostRewrite } }),
  });
  const destinations = rule.route ?? [];
  const [first, ...others] = destinations;
  const single = others.length === 0 ? first : undefined;
  if (single === undefined) weighted(action, destinations, context);
  else toOne(route, action, single, context);
  // Retries of a hashed request stay with the host that the hash names; with several destinations none is it.
  const hashed = single !== undefined && hashOf(single, context) !== undefined;
  const retries = retryPolicy(rule.retries ?? context.config.defaultHttpRetryPolicy, hashed);
  if (retries !== undefined) action.retryPolicy = retries;
  return action;
}

/** No timeout is no limit in Istio, and Envoy's own default is 15 s: 0 must be said. */
export function timeouts(milliseconds: number, caller: Caller) {
  const timeout = durationOf(milliseconds);
  // gRPC without a proxy does not read the old field.
  return caller.proxyless ? { timeout, maxStreamDuration: { maxStreamDuration: timeout } } : { timeout, maxGrpcTimeout: timeout };
}

function hashOf({ destination }: HTTPRouteDestination, context: RouteContext): ConsistentHash | undefined {
  return destinationHash(context.destinationRule(destination.host), destination);
}

function addHash(action: RouteAction, to: HTTPRouteDestination, context: RouteContext): void {
  const hash = hashOf(to, context);
  const policy = hash === undefined ? undefined : hashPolicy(hash);
  if (policy !== undefined) action.hashPolicy.push(policy);
}

function toOne(route: Route, action: RouteAction, to: HTTPRouteDestination, context: RouteContext): void {
  const edits = headerEdits(to.headers);
  route.requestHeadersToAdd.push(...edits.requestHeadersToAdd);
  route.requestHeadersToRemove.push(...edits.requestHeadersToRemove);
  route.responseHeadersToAdd.push(...edits.responseHeadersToAdd);
  route.responseHeadersToRemove.push(...edits.responseHeadersToRemove);
  // A Host set on the rule stands above one set on its destination.
  if (edits.authority !== "" && action.hostRewriteSpecifier.case === undefined) {
    action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: edits.authority };
  }
  action.clusterSpecifier = { case: "cluster", value: clusterOf(to, context) };
  addHash(action, to, context);
}

/** A destination of weight 0 beside others gets nothing: it is left out, as istiod does. */
function weighted(action: RouteAction, destinations: readonly HTTPRouteDestination[], context: RouteContext): void {
  const clusters: WeightedCluster_ClusterWeight[] = [];
  for (const to of destinations) {
    if ((to.weight ?? 0) === 0) continue;
    const edits = headerEdits(to.headers);
    clusters.push(
      create(WeightedCluster_ClusterWeightSchema, {
        name: clusterOf(to, context),
        weight: to.weight ?? 0,
        requestHeadersToAdd: edits.requestHeadersToAdd,
        requestHeadersToRemove: edits.requestHeadersToRemove,
        responseHeadersToAdd: edits.responseHeadersToAdd,
        responseHeadersToRemove: edits.responseHeadersToRemove,
        ...(edits.authority === "" ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: edits.authority } }),
      }),
    );
    addHash(action, to, context);
  }
  action.clusterSpecifier = { case: "weightedClusters", value: create(WeightedClusterSchema, { clusters }) };
}

function clusterOf({ destination }: HTTPRouteDestination, context: RouteContext): string {
  return destinationCluster(destination, context.service(destination.host), context.port);
}
