// Names of the xDS resource types, as they stand on the wire.

export const TYPE_URL_PREFIX = "type.googleapis.com/";

export const LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener";
export const ROUTE_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
export const CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
export const ENDPOINT_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
export const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
export const RUNTIME_TYPE = "type.googleapis.com/envoy.service.runtime.v3.Runtime";
export const SCOPED_ROUTE_TYPE = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
export const EXTENSION_CONFIG_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/** Istio's own: what an agent says of its application's health, as a request on its ADS stream. Never a resource. */
export const HEALTH_INFORMATION_TYPE = "type.googleapis.com/istio.v1.HealthInformation";

/** Short names as proxy-status and logs print them. */
export const SHORT_TYPE: Readonly<Record<string, string>> = {
  [LISTENER_TYPE]: "LDS",
  [ROUTE_TYPE]: "RDS",
  [CLUSTER_TYPE]: "CDS",
  [ENDPOINT_TYPE]: "EDS",
  [SECRET_TYPE]: "SDS",
  [RUNTIME_TYPE]: "RTDS",
  [SCOPED_ROUTE_TYPE]: "SRDS",
  [EXTENSION_CONFIG_TYPE]: "ECDS",
};
