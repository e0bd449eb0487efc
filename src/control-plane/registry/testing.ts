// A store whose objects come and go at a word, for the tests of this folder.
import { documentOf } from "#control-plane/config/builtin-objects";
import { ConfigStore } from "#control-plane/config/store";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { ConfigRegistry } from "./config-registry.ts";
import type { RegistryBench } from "./registry.conformance.ts";
import { WorkloadRegistrations } from "./workload-registrations.ts";

export interface WrittenObject {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly status?: unknown;
}

export class StoreBench {
  readonly store = new ConfigStore();
  readonly registrations = new WorkloadRegistrations({ clock: new ManualClock(), log: silentLog });
  readonly registry = new ConfigRegistry({ store: this.store, registrations: this.registrations, domain: "cluster.local" });
  #nowMs = 0;

  put(kind: string, name: string, spec: unknown, written: WrittenObject = {}): void {
    this.putWith(kind, name, {}, spec, written);
  }

  /** `more`: what metadata holds beside labels and annotations. */
  putWith(kind: string, name: string, more: object, spec: unknown, written: WrittenObject = {}): void {
    const { namespace = "default", labels = {}, annotations = {}, creationTimestamp, status } = written;
    const age = creationTimestamp === undefined ? {} : { creationTimestamp };
    const metadata = { name, namespace, labels, annotations, ...age, ...more };
    const object = { apiVersion: "v1", kind, metadata, spec, ...(status === undefined ? {} : { status }) };
    this.store.put({ path: `${kind}-${namespace}-${name}`, rank: "file", seenMs: 0 }, [documentOf(object)], this.#nowMs);
    this.store.publish();
  }

  remove(kind: string, name: string, namespace = "default"): void {
    const path = `${kind}-${namespace}-${name}`;
    // The store believes that something is gone when it is gone twice.
    if (this.store.remove(path, this.#nowMs)) this.store.remove(path, (this.#nowMs += 1_000));
    this.store.publish();
  }

  close(): void {
    this.registry.close();
    this.registrations.close();
  }
}

/** Services of Kubernetes whose instances stand in EndpointSlices, one a service. */
export function kubernetesBench(): RegistryBench {
  const bench = new StoreBench();
  const instances = new Map<string, Map<string, boolean>>();
  const of = (service: string): Map<string, boolean> => {
    const known = instances.get(service) ?? new Map<string, boolean>();
    instances.set(service, known);
    return known;
  };
  const write = (service: string): void => {
    const endpoints = [...of(service)].map(([address, ready]) => ({ addresses: [address], conditions: { ready, terminating: false } }));
    const spec = { addressType: "IPv4", endpoints, ports: [{ name: "http", port: 8080 }] };
    bench.put("EndpointSlice", service, spec, { labels: { "kubernetes.io/service-name": service } });
  };
  return {
    registry: bench.registry,
    addService: (name) => {
      bench.put("Service", name, { ports: [{ name: "http", port: 80, targetPort: 8080 }], clusterIP: "10.96.0.1" });
      return `${name}.default.svc.cluster.local`;
    },
    removeService: (name) => bench.remove("Service", name),
    addInstance: (service, address) => {
      of(service).set(address, true);
      write(service);
    },
    removeInstance: (service, address) => {
      of(service).delete(address);
      write(service);
    },
    failInstance: (service, address) => {
      of(service).set(address, false);
      write(service);
    },
    close: () => bench.close(),
  };
}

/** Hosts of ServiceEntries whose instances are WorkloadEntries. */
export function serviceEntryBench(): RegistryBench {
  const bench = new StoreBench();
  const name = (service: string, address: string): string => `${service}-${address.replaceAll(".", "-")}`;
  const write = (service: string, address: string, annotations: Readonly<Record<string, string>>): void =>
    bench.put("WorkloadEntry", name(service, address), { address, labels: { app: service } }, { annotations });
  return {
    registry: bench.registry,
    addService: (service) => {
      const ports = [{ name: "http", number: 80, protocol: "HTTP" }];
      const spec = { hosts: [`${service}.example.com`], ports, resolution: "STATIC", workloadSelector: { labels: { app: service } } };
      bench.put("ServiceEntry", service, spec);
      return `${service}.example.com`;
    },
    removeService: (service) => bench.remove("ServiceEntry", service),
    addInstance: (service, address) => write(service, address, {}),
    removeInstance: (service, address) => bench.remove("WorkloadEntry", name(service, address)),
    failInstance: (service, address) => write(service, address, { "proxy.istio.io/health-checks-enabled": "true" }),
    close: () => bench.close(),
  };
}
