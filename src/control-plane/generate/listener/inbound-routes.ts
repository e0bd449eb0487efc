// The one route of an inbound port: everything goes to the application.
import { create } from "@bufbuild/protobuf";
import { RouteSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { Protocol } from "#control-plane/registry/service";
import { durationOf } from "#control-plane/generate/duration";
import { inboundRetryPolicy } from "./inbound-retry-policy.ts";

interface InboundRouteSource {
  readonly cluster: string;
  readonly protocol: Protocol;
  readonly servicePort: number;
  /** What a trace calls it. */
  readonly operation: string;
}

export function inboundRoutes(
  { cluster, protocol, servicePort, operation }: InboundRouteSource,
  config: MeshConfigSpec,
): RouteConfiguration {
  const retries = inboundRetryPolicy(protocol, config.defaultInboundHttpRetryPolicy);
  const route = create(RouteSchema, {
    name: "default",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    decorator: { operation },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: cluster },
        timeout: durationOf(0),
        maxStreamDuration: { maxStreamDuration: durationOf(0), grpcTimeoutHeaderMax: durationOf(0) },
        ...(retries === undefined ? {} : { retryPolicy: retries }),
      },
    },
  });
  return create(RouteConfigurationSchema, {
    name: cluster,
    validateClusters: false,
    virtualHosts: [{ name: `inbound|http|${servicePort}`, domains: ["*"], routes: [route] }],
  });
}
