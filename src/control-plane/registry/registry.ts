// Who exists: services and their endpoints, from whatever announces them. One interface for all that do; registry.conformance.ts says
// in tests what each must do.
import type { Finding } from "#api/finding";
import type { Service, ServiceEndpoint, ServicePort, WorkloadInstance } from "./service.ts";

/** A port of a service that an address serves. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  readonly endpoint: ServiceEndpoint;
}

/** What a registry knows at one moment; immutable. */
export interface RegistrySnapshot {
  /** By hostname, of one hostname those of Kubernetes first, then the oldest. The same list as long as no service changed, whatever endpoints do. */
  readonly services: readonly Service[];
  /** Pods, WorkloadEntries and registered workloads. */
  readonly instances: readonly WorkloadInstance[];
  /** Every endpoint of a service port, healthy or not, in a stable order; those of the service in `namespace`, else of the first that has any. */
  endpoints(hostname: string, port: number, namespace?: string): readonly ServiceEndpoint[];
  /** A pod or WorkloadEntry by its name. */
  instance(namespace: string, name: string): WorkloadInstance | undefined;
  /** What leads to an address. */
  targetsAt(address: string): readonly ServiceTarget[];
  /** Hostnames of services whose endpoints differ from those of an earlier snapshot of the same registry; undefined: it cannot tell. */
  changedEndpoints(since: RegistrySnapshot): ReadonlySet<string> | undefined;
  readonly findings: readonly Finding[];
}

export interface ServiceRegistry {
  readonly snapshot: RegistrySnapshot;
  /**
   * Called after every change: with `endpoints` when it shows in nothing but the endpoints that proxies are told (endpoint-change.ts), else
   * with `services`.
   */
  subscribe(listener: (changed: "services" | "endpoints") => void): () => void;
}
