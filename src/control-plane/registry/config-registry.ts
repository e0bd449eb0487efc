// The registry of the objects in the store and of the workloads that agents registered.
import type { ConfigStore } from "#control-plane/config/store";
import { buildRegistry } from "./build-registry.ts";
import { changesOnlyEndpoints } from "./endpoint-change.ts";
import type { RegistrySnapshot, ServiceRegistry } from "./registry.ts";
import type { WorkloadRegistrations } from "./workload-registrations.ts";

export interface ConfigRegistryOptions {
  readonly store: ConfigStore;
  readonly registrations: WorkloadRegistrations;
  readonly domain: string;
}

/** MeshConfig and Namespaces say which namespaces count. */
const KINDS: ReadonlySet<string> = new Set([
  "Service",
  "ServiceEntry",
  "WorkloadEntry",
  "WorkloadGroup",
  "EndpointSlice",
  "Endpoints",
  "Pod",
  "Node",
  "Namespace",
  "MeshConfig",
]);

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
    const changed = before.services === this.#snapshot.services && changesOnlyEndpoints(before, this.#snapshot) ? "endpoints" : "services";
    for (const listener of this.#listeners) listener(changed);
  }
}
