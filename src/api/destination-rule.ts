// DestinationRule: what applies to the traffic of a host after routing, and the subsets of its endpoints.
import {
  bool,
  duration,
  durationOrZero,
  enumeration,
  field,
  int32,
  later,
  limited,
  map,
  message,
  number,
  repeated,
  required,
  string,
  uint32,
  wrapped,
  type Decoded,
} from "./declaration.ts";
import { clientTlsSettings } from "./destination-rule/client-tls.ts";
import { connectionPoolSettings } from "./destination-rule/connection-pool.ts";
import { loadBalancerSettings } from "./destination-rule/load-balancer.ts";
import { workloadSelector } from "./selector.ts";
import { portSelector } from "./virtual-service/destination.ts";

export type { ClientTLSMode, ClientTLSSettings } from "./destination-rule/client-tls.ts";
export type { ConnectionPoolSettings, HTTPSettings, TCPSettings, TcpKeepalive } from "./destination-rule/connection-pool.ts";
export type {
  ConsistentHash,
  LoadBalancerSettings,
  LocalityLoadBalancerSetting,
  SimpleLB,
  WarmupConfiguration,
} from "./destination-rule/load-balancer.ts";

export const outlierDetection = message("OutlierDetection", {
  consecutiveErrors: later(int32, "Errors in a row; consecutive5xxErrors replaces it"),
  splitExternalLocalOriginErrors: field(bool, "Whether errors of the connection are counted apart from those of the endpoint"),
  consecutiveLocalOriginFailures: field(wrapped(uint32), "Connection errors in a row until an endpoint is ejected"),
  consecutiveGatewayErrors: field(wrapped(uint32), "Gateway errors (502, 503, 504) in a row until an endpoint is ejected"),
  consecutive5xxErrors: field(wrapped(uint32), "5xx answers in a row until an endpoint is ejected"),
  interval: field(duration, "Time between sweeps"),
  baseEjectionTime: field(duration, "The shortest ejection; it grows with each repetition"),
  maxEjectionPercent: field(int32, "Share of the endpoints that may be ejected at the same time"),
  minHealthPercent: field(int32, "Share of healthy endpoints below which nothing is ejected"),
  outlierDetectionHttpErrorCodes: later(repeated(limited(uint32, { minimum: 100, maximum: 599 })), "Statuses that count as errors"),
});
export type OutlierDetection = Decoded<typeof outlierDetection>;

const portTrafficPolicyFields = {
  loadBalancer: field(loadBalancerSettings, "How an endpoint is chosen"),
  connectionPool: field(connectionPoolSettings, "Limits of connections and requests"),
  outlierDetection: field(outlierDetection, "When endpoints that fail are left out for a while"),
  tls: field(clientTlsSettings, "TLS towards the endpoints"),
};

export const portTrafficPolicy = message("PortTrafficPolicy", {
  port: field(portSelector, "The service's port that the settings are for"),
  ...portTrafficPolicyFields,
});
export type PortTrafficPolicy = Decoded<typeof portTrafficPolicy>;

const tunnelSettings = message("TunnelSettings", {
  protocol: field(string, "CONNECT or POST"),
  targetHost: required(string, "Where the tunnel ends"),
  targetPort: required(uint32, "The port where the tunnel ends"),
});

export const trafficPolicy = message("TrafficPolicy", {
  ...portTrafficPolicyFields,
  portLevelSettings: field(limited(repeated(portTrafficPolicy), { maxItems: 4096 }), "Settings for single ports; they replace the others"),
  tunnel: field(tunnelSettings, "A tunnel through which connections go"),
  proxyProtocol: field(
    message("ProxyProtocol", { version: field(enumeration(["V1", "V2"]), "The version that is sent") }),
    "Whether PROXY protocol is sent",
  ),
  retryBudget: field(
    message("RetryBudget", {
      percent: field(wrapped(limited(number, { minimum: 0, maximum: 100 })), "Retries at the same time, relative to requests"),
      budgetInterval: later(durationOrZero, "The time over which requests are counted"),
      minRetryConcurrency: field(uint32, "Retries at the same time that are always allowed"),
    }),
    "Limits retries relative to requests",
  ),
});
export type TrafficPolicy = Decoded<typeof trafficPolicy>;

const subset = message("Subset", {
  name: required(string, "What routes call it"),
  labels: field(map(string), "Labels that its endpoints bear"),
  trafficPolicy: field(trafficPolicy, "Settings of the subset, above those of the host"),
});
export type Subset = Decoded<typeof subset>;

export const destinationRule = message("DestinationRule", {
  host: required(string, "The service: its full name, or a short one that is completed with the rule's namespace"),
  trafficPolicy: field(trafficPolicy, "Settings for all endpoints"),
  subsets: field(repeated(subset), "Named parts of the endpoints"),
  exportTo: field(repeated(string), "Namespaces that see it: . its own, * all"),
  workloadSelector: field(workloadSelector, "Calling workloads that the rule is for"),
});
export type DestinationRuleSpec = Decoded<typeof destinationRule>;
