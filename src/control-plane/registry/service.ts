// Istio's service model: what a service is, whoever announced it (a Kubernetes Service, a ServiceEntry, later others).
import type { ObjectKey } from "#api/finding";

/** Istio's protocol names after selection (appProtocol, then port-name prefix, then well-known ports). */
export type Protocol =
  | "HTTP"
  | "HTTP_PROXY"
  | "HTTP2"
  | "GRPC"
  | "GRPC-WEB"
  | "HTTPS"
  | "TLS"
  | "TCP"
  | "UDP"
  | "MONGO"
  | "REDIS"
  | "MYSQL"
  | "AUTO";

export function isHttp(protocol: Protocol): boolean {
  return protocol === "HTTP" || protocol === "HTTP_PROXY" || protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-WEB";
}

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** The port of the workload: a number, or the name of a port that the workload declares. */
  readonly targetPort: number | string;
}

/**
 * How a service's endpoints are found. EDS: they are listed. NONE: a call goes to the address that the caller chose (headless Services,
 * ServiceEntries without endpoints). DNS, DNS_ROUND_ROBIN, DYNAMIC_DNS: by name, in the proxy. ALIAS: another service stands for it.
 */
export type Resolution = "EDS" | "NONE" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS" | "ALIAS";

/** Another name of a service. */
export interface ServiceAlias {
  readonly hostname: string;
  readonly namespace: string;
}

export interface Service {
  /** `reviews.default.svc.cluster.local`, or the host of a ServiceEntry. */
  readonly hostname: string;
  /** Of a Kubernetes Service; a host of a ServiceEntry is called after itself, as in Istio. */
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly ServicePort[];
  /** Virtual addresses and networks as declared; empty for headless services and for services of a mesh without them (the embedded one). */
  readonly addresses: readonly string[];
  /** Addresses of 240.240.0.0/16 and 2001:2::/48 for a ServiceEntry's host that declares none: for proxies that answer DNS themselves. */
  readonly autoAllocatedAddresses: readonly string[];
  readonly resolution: Resolution;
  /** The host that an ExternalName Service stands for. */
  readonly alias: string | undefined;
  /** A Kubernetes Service without a virtual address. */
  readonly headless: boolean;
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  /** Namespaces that see it: ["*"] everybody, ["."] its own. */
  readonly exportTo: readonly string[];
  readonly source: "Service" | "ServiceEntry";
  /** The object that defines it. */
  readonly object: ObjectKey;
  /** ExternalName Services that stand for it. */
  readonly aliases: readonly ServiceAlias[];
  /** Its endpoints are outside the mesh: a ServiceEntry with MESH_EXTERNAL. */
  readonly external: boolean;
  /** `PreferClose`, `PreferSameZone`, `PreferSameNode`: which endpoints a caller prefers. */
  readonly trafficDistribution: string | undefined;
  /** internalTrafficPolicy Local: a caller reaches endpoints of its own node only. */
  readonly nodeLocal: boolean;
  /** Endpoints that are not ready have names; Kubernetes itself says `ready` of them in EndpointSlices. */
  readonly publishNotReadyAddresses: boolean;
  /** Names of which an endpoint's certificate must bear one, as a ServiceEntry declares them. */
  readonly subjectAltNames: readonly string[];
  /** Accounts that may run it, as its annotation declares them; those of its endpoints come on top. */
  readonly serviceAccounts: readonly string[];
}

/** UNKNOWN: nobody watches it (a WorkloadEntry, an endpoint of a ServiceEntry); it takes traffic. */
export type HealthStatus = "HEALTHY" | "UNKNOWN" | "UNHEALTHY" | "DRAINING";

/** Whether an instance's proxy takes mutual TLS, as its label `security.istio.io/tlsMode` says. */
export type TlsMode = "istio" | "disabled";

const TLS_MODE_LABEL = "security.istio.io/tlsMode";

/** `otherwise`: without the label. */
export function tlsModeOf(labels: Readonly<Record<string, string>>, otherwise: TlsMode = "disabled"): TlsMode {
  const written = labels[TLS_MODE_LABEL];
  return written === undefined ? otherwise : written === "istio" ? "istio" : "disabled";
}

/** One running instance of an application: a pod, or a WorkloadEntry, written by hand or registered by an agent. */
export interface WorkloadInstance {
  readonly kind: "Pod" | "WorkloadEntry";
  readonly name: string;
  readonly namespace: string;
  /** What telemetry calls it: the Deployment of a pod, else its own name. */
  readonly workload: string;
  /** An IP address; of a WorkloadEntry also a DNS name or `unix:///path`. */
  readonly address: string;
  /** All of its IP addresses, `address` first. */
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Declared ports by name, for target ports that are names and for overrides. */
  readonly ports: Readonly<Record<string, number>>;
  /** Ports where the instance itself said that it listens: a target port among them needs no override. */
  readonly listening: readonly number[];
  readonly locality: string;
  readonly weight: number;
  readonly network: string;
  readonly health: HealthStatus;
  readonly tlsMode: TlsMode;
  readonly nodeName: string;
  readonly hostname: string;
  readonly subdomain: string;
}

/** An endpoint of one service port. */
export interface ServiceEndpoint {
  /** An IP address, a DNS name (in services that are resolved by DNS), or `unix:///path` (its port is 0). */
  readonly address: string;
  readonly port: number;
  readonly servicePort: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: string;
  readonly weight: number;
  readonly health: HealthStatus;
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly network: string;
  /** The cluster that it runs in: `Kubernetes`. */
  readonly clusterId: string;
  /** `istio`: its proxy takes mutual TLS. */
  readonly tlsMode: TlsMode;
  readonly nodeName: string;
  /** A pod's host name and its domain, which give instances of a headless service a name. */
  readonly hostname: string;
  readonly subdomain: string;
}
