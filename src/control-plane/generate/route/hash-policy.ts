// What a request's place on the ring of a consistent-hash load balancer is made of. The ring stands in the cluster, the key in the route.
import { create } from "@bufbuild/protobuf";
import { RouteAction_HashPolicySchema, type RouteAction_HashPolicy } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { LoadBalancerSettings, TrafficPolicy } from "#api/destination-rule";
import type { Destination } from "#api/virtual-service";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import { durationOf } from "#control-plane/generate/duration";

export type ConsistentHash = NonNullable<LoadBalancerSettings["consistentHash"]>;

/** For a service without a VirtualService: the port's settings, else those of the host. */
export function serviceHash(rule: ResolvedDestinationRule | undefined, port: number): ConsistentHash | undefined {
  const policy = rule?.spec.trafficPolicy;
  return portHash(policy, port) ?? policy?.loadBalancer?.consistentHash;
}

/** For a destination: of its subset before of its host, each of a port that is written out before the rest. */
export function destinationHash(rule: ResolvedDestinationRule | undefined, destination: Destination): ConsistentHash | undefined {
  const host = rule?.spec.trafficPolicy;
  const subset = rule?.spec.subsets?.find(({ name }) => name === (destination.subset ?? ""))?.trafficPolicy;
  const port = destination.port?.number;
  return portHash(subset, port) ?? subset?.loadBalancer?.consistentHash ?? portHash(host, port) ?? host?.loadBalancer?.consistentHash;
}

function portHash(policy: TrafficPolicy | undefined, port: number | undefined): ConsistentHash | undefined {
  if (port === undefined) return undefined;
  return policy?.portLevelSettings?.find((settings) => settings.port?.number === port)?.loadBalancer?.consistentHash;
}

/** undefined: nothing of the request is hashed, so every request gets a key of its own. */
export function hashPolicy(hash: ConsistentHash): RouteAction_HashPolicy | undefined {
  const specifier = policySpecifier(hash);
  return specifier === undefined ? undefined : create(RouteAction_HashPolicySchema, { policySpecifier: specifier });
}

function policySpecifier(hash: ConsistentHash) {
  if (hash.httpHeaderName !== undefined) return { case: "header" as const, value: { headerName: hash.httpHeaderName } };
  if (hash.httpQueryParameterName !== undefined) {
    return { case: "queryParameter" as const, value: { name: hash.httpQueryParameterName } };
  }
  if (hash.useSourceIp !== undefined) return { case: "connectionProperties" as const, value: { sourceIp: hash.useSourceIp } };
  const cookie = hash.httpCookie;
  if (cookie === undefined) return undefined;
  return {
    case: "cookie" as const,
    value: {
      name: cookie.name,
      path: cookie.path ?? "",
      attributes: (cookie.attributes ?? []).map(({ name, value }) => ({ name, value: value ?? "" })),
      // Without a life the proxy uses the cookie that the caller has and makes none; 0 makes one for the session.
      ...(cookie.ttl === undefined ? {} : { ttl: durationOf(cookie.ttl) }),
    },
  };
}
