// Who exists: services and their endpoints, from whatever announces them. One interface, because Kubernetes and others come as
// further implementations; today the objects of the configuration store and the workloads that agents registered.
import type { Finding } from "#api/finding";
import type { ServiceSpec } from "#api/service";
import type { ConfigStore } from "#control-plane/config/store";
import type { ObjectSet } from "#control-plane/config/object-set";
import { endpointKey, serviceEndpoints } from "./endpoints.ts";
import { fromKubernetesService } from "./kubernetes-service.ts";
import type { Service, ServiceEndpoint, WorkloadInstance } from "./service.ts";
import { workloadInstances } from "./workload-instances.ts";
import type { RegisteredWorkload, WorkloadRegistrations } from "./workload-registrations.ts";

/** What a registry knows at one moment; immutable. */
export interface RegistrySnapshot {
  /** By hostname in order. The same list as long as no service changed, whatever endpoints do. */
  readonly services: readonly Service[];
  readonly instances: readonly WorkloadInstance[];
  /** Every endpoint of a service port, healthy or not, in a stable order; those of the service in `namespace`, else of the first that has any. */
  endpoints(hostname: string, port: number, namespace?: string): readonly ServiceEndpoint[];
  readonly findings: readonly Finding[];
}

export interface ServiceRegistry {
  readonly snapshot: RegistrySnapshot;
  /** Called after every change: with `services` when a service changed, with `endpoints` when only endpoints did. */
  subscribe(listener: (changed: "services" | "endpoints") => void): () => void;
}

const NO_ENDPOINTS: readonly ServiceEndpoint[] = [];

export interface RegistryInputs {
  readonly objects: ObjectSet;
  readonly registered: readonly RegisteredWorkload[];
  /** `cluster.local`. */
  readonly domain: string;
}

/** Pure. `previous` keeps the list of services the same one when none of them changed. */
export function buildRegistry(inputs: RegistryInputs, previous?: RegistrySnapshot): RegistrySnapshot {
  const { objects, registered, domain } = inputs;
  const findings: Finding[] = [];
  const made = objects
    .list<ServiceSpec>("Service")
    .map((object) => fromKubernetesService(object, domain, findings))
    .sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  const services = previous !== undefined && sameServices(previous.services, made) ? previous.services : made;
  const instances = workloadInstances(objects, registered, findings);
  const endpoints = serviceEndpoints(services, instances);
  return {
    services,
    instances,
    endpoints: (hostname, port) => endpoints.get(endpointKey(hostname, port)) ?? NO_ENDPOINTS,
    findings,
  };
}

function sameServices(before: readonly Service[], after: readonly Service[]): boolean {
  return before.length === after.length && JSON.stringify(before) === JSON.stringify(after);
}

export interface ConfigRegistryOptions {
  readonly store: ConfigStore;
  readonly registrations: WorkloadRegistrations;
  readonly domain: string;
}

/** The registry of the objects in the store and of registered workloads. */
export class ConfigRegistry implements ServiceRegistry {
  #options: ConfigRegistryOptions;
  #snapshot: RegistrySnapshot;
  #listeners = new Set<(changed: "services" | "endpoints") => void>();
  #unsubscribe: readonly (() => void)[];

  constructor(options: ConfigRegistryOptions) {
    this.#options = options;
    this.#snapshot = this.#build();
    this.#unsubscribe = [
      options.store.subscribe((change) => {
        if (change.changes.some(({ key }) => KINDS.has(key.kind))) this.#update();
      }),
      options.registrations.subscribe(() => this.#update()),
    ];
  }

  get snapshot(): RegistrySnapshot {
    return this.#snapshot;
  }

  subscribe(listener: (changed: "services" | "endpoints") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#listeners.clear();
  }

  #build(previous?: RegistrySnapshot): RegistrySnapshot {
    const { store, registrations, domain } = this.#options;
    return buildRegistry({ objects: store.objects, registered: registrations.workloads, domain }, previous);
  }

  #update(): void {
    const before = this.#snapshot;
    this.#snapshot = this.#build(before);
    const changed = before.services === this.#snapshot.services ? "endpoints" : "services";
    for (const listener of this.#listeners) listener(changed);
  }
}

const KINDS: ReadonlySet<string> = new Set(["Service", "WorkloadEntry", "WorkloadGroup"]);
