// How one endpoint of several is chosen.
import {
  bool,
  duration,
  durationOrZero,
  enumeration,
  field,
  later,
  limited,
  map,
  message,
  number,
  repeated,
  required,
  string,
  uint32,
  uint64,
  wrapped,
  type Decoded,
} from "#api/declaration";

const httpCookie = message("HTTPCookie", {
  name: required(string, "The cookie's name"),
  path: field(string, "The cookie's path"),
  ttl: field(durationOrZero, "The cookie's life; 0 makes a session cookie"),
  attributes: field(
    repeated(message("Attribute", { name: required(string, "The attribute's name"), value: field(string, "The attribute's value") })),
    "More attributes of the cookie",
  ),
});

const ringHash = message("RingHash", { minimumRingSize: field(uint64, "Virtual nodes on the ring at least") });
const maglev = message("MagLev", { tableSize: field(uint64, "The table's size; a prime number") });

const consistentHash = message(
  "ConsistentHashLB",
  {
    httpHeaderName: field(string, "Hash of a request header"),
    httpCookie: field(httpCookie, "Hash of a cookie, made where it is missing"),
    useSourceIp: field(bool, "Hash of the caller's address"),
    httpQueryParameterName: field(string, "Hash of a query parameter"),
    ringHash: field(ringHash, "The ring hash algorithm"),
    maglev: field(maglev, "The Maglev algorithm"),
    minimumRingSize: field(uint64, "Virtual nodes on the ring at least; ringHash.minimumRingSize replaces it"),
  },
  [
    ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"],
    ["ringHash", "maglev"],
  ],
);
export type ConsistentHash = Decoded<typeof consistentHash>;

const localityFailover = message("Failover", {
  from: field(string, "The region whose endpoints fail"),
  to: field(string, "The region that takes over"),
});

export const localityLbSetting = message("LocalityLoadBalancerSetting", {
  distribute: field(
    repeated(
      message("Distribute", {
        from: field(string, "Where callers are: region/zone/sub-zone, * for any"),
        to: field(map(uint32), "Where their requests go: locality and percent, 100 together"),
      }),
    ),
    "Explicit shares of the localities",
  ),
  failover: field(repeated(localityFailover), "Which region takes over from which"),
  failoverPriority: field(repeated(string), "Labels, compared in order, that make an endpoint a nearer one"),
  enabled: field(wrapped(bool), "Whether localities count"),
});
export type LocalityLoadBalancerSetting = Decoded<typeof localityLbSetting>;

export const zoneAwareLbSetting = message("ZoneAwareLoadBalancerSetting", {
  enabled: field(wrapped(bool), "Whether zones count"),
  minClusterSize: field(wrapped(limited(uint32, { minimum: 1 })), "Endpoints that a cluster has at least for zones to count"),
  failover: field(repeated(localityFailover), "Which region takes over from which"),
  failoverPriority: field(repeated(string), "Labels, compared in order, that make an endpoint a nearer one"),
});
export type ZoneAwareLoadBalancerSetting = Decoded<typeof zoneAwareLbSetting>;

const warmup = message("WarmupConfiguration", {
  duration: required(duration, "How long a new endpoint is spared"),
  minimumPercent: field(wrapped(limited(number, { minimum: 0, maximum: 100 })), "The share of its weight that a new endpoint begins with"),
  aggression: field(wrapped(limited(number, { minimum: 0 })), "How fast its weight grows; 1 is linear"),
});
export type WarmupConfiguration = Decoded<typeof warmup>;

const backendUtilization = message("BackendUtilization", {
  weightUpdatePeriod: field(durationOrZero, "Time between new weights"),
  weightExpirationPeriod: field(durationOrZero, "Time after which a weight without a report counts no more"),
  weightStabilizationPeriod: field(durationOrZero, "Time of reports until a weight counts"),
  errorUtilizationPenaltyPercent: field(uint32, "How much errors raise an endpoint's utilization"),
  metricNamesForComputingUtilization: field(repeated(string), "Reported metrics that stand for utilization"),
});

const simpleLb = enumeration(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"]);
export type SimpleLB = Decoded<typeof simpleLb>;

export const loadBalancerSettings = message(
  "LoadBalancerSettings",
  {
    simple: field(simpleLb, "A policy that needs no settings"),
    consistentHash: field(consistentHash, "The same endpoint for the same key"),
    backendUtilization: later(backendUtilization, "Weights from the load that endpoints report"),
    localityLbSetting: field(localityLbSetting, "Preference for near endpoints"),
    zoneAwareLbSetting: later(zoneAwareLbSetting, "Preference for endpoints of the own zone"),
    warmupDurationSecs: field(duration, "How long a new endpoint is spared; warmup replaces it"),
    warmup: field(warmup, "How a new endpoint is spared"),
  },
  [["simple", "consistentHash", "backendUtilization"]],
);
export type LoadBalancerSettings = Decoded<typeof loadBalancerSettings>;
