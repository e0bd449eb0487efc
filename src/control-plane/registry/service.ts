// Istio's service model: what a service is, whoever announced it (a Kubernetes Service, a ServiceEntry, later others).

/** Istio's protocol names after selection (appProtocol, then port-name prefix, then well-known ports). */
export type Protocol = "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTPS" | "TLS" | "TCP" | "UDP" | "MONGO" | "REDIS" | "MYSQL" | "AUTO";

export function isHttp(protocol: Protocol): boolean {
  return protocol === "HTTP" || protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-WEB";
}

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** The port of the workload: a number, or the name of a port that the workload declares. */
  readonly targetPort: number | string;
}

export interface Service {
  /** `reviews.default.svc.cluster.local`, or the host of a ServiceEntry. */
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly ServicePort[];
  /** Virtual addresses; empty for headless services and for services of a mesh without them (the embedded one). */
  readonly addresses: readonly string[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  /** Namespaces that see it: ["*"] everybody, ["."] its own. */
  readonly exportTo: readonly string[];
  readonly source: "Service" | "ServiceEntry";
  /** It stands for something outside the mesh: an ExternalName Service, a host of a ServiceEntry. */
  readonly external: boolean;
}

export type HealthStatus = "HEALTHY" | "UNHEALTHY" | "DRAINING";

/** One running instance of an application: a WorkloadEntry, registered by hand or by an agent. */
export interface WorkloadInstance {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
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
}

/** An endpoint of one service port. */
export interface ServiceEndpoint {
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
}
