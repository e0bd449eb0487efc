// What every registry must do, as tests: snapshots that never change, an order that never depends on who came first, and changes that
// touch what changed and nothing else. A registry's own test gives this suite a bench.
import assert from "node:assert/strict";
import test from "node:test";
import type { ServiceRegistry } from "./registry.ts";

/** A registry with a way to make things happen in it. Every service has the one port 80, named http, and is of namespace default. */
export interface RegistryBench {
  readonly registry: ServiceRegistry;
  /** The service's hostname. */
  addService(name: string): string;
  removeService(name: string): void;
  /** An instance of a service at an address, healthy. */
  addInstance(service: string, address: string): void;
  removeInstance(service: string, address: string): void;
  failInstance(service: string, address: string): void;
  close(): void;
}

export function registryConformance(name: string, make: () => RegistryBench): void {
  const check = (what: string, body: (bench: RegistryBench) => void): void => {
    test(`${name}: ${what}`, () => {
      const bench = make();
      try {
        body(bench);
      } finally {
        bench.close();
      }
    });
  };
  const hostnames = ({ registry }: RegistryBench): readonly string[] => registry.snapshot.services.map(({ hostname }) => hostname);
  const addresses = ({ registry }: RegistryBench, hostname: string): readonly string[] =>
    registry.snapshot.endpoints(hostname, 80).map(({ address }) => address);

  check("services stand in the order of their hostnames, whoever came first", (bench) => {
    const [c, a, b] = ["c", "a", "b"].map((service) => bench.addService(service));
    assert.deepEqual(hostnames(bench), [a, b, c]);
    bench.removeService("b");
    assert.deepEqual(hostnames(bench), [a, c]);
  });

  check("endpoints stand in the order of their addresses, whoever came first", (bench) => {
    const hostname = bench.addService("a");
    for (const address of ["10.0.0.3", "10.0.0.1", "10.0.0.2"]) bench.addInstance("a", address);
    assert.deepEqual(addresses(bench, hostname), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    bench.removeInstance("a", "10.0.0.2");
    assert.deepEqual(addresses(bench, hostname), ["10.0.0.1", "10.0.0.3"]);
  });

  check("an unknown host, port or namespace has no endpoints", (bench) => {
    const hostname = bench.addService("a");
    bench.addInstance("a", "10.0.0.1");
    const { snapshot } = bench.registry;
    assert.deepEqual(snapshot.endpoints("b.example.com", 80), []);
    assert.deepEqual(snapshot.endpoints(hostname, 81), []);
    assert.deepEqual(snapshot.endpoints(hostname, 80, "other"), []);
    assert.equal(snapshot.endpoints(hostname, 80, "default").length, 1);
  });

  check("an instance that fails stays an endpoint and says so", (bench) => {
    const hostname = bench.addService("a");
    bench.addInstance("a", "10.0.0.1");
    bench.failInstance("a", "10.0.0.1");
    assert.deepEqual(
      bench.registry.snapshot.endpoints(hostname, 80).map(({ health }) => health),
      ["UNHEALTHY"],
    );
  });

  check("a snapshot never changes", (bench) => {
    const hostname = bench.addService("a");
    bench.addInstance("a", "10.0.0.1");
    const before = bench.registry.snapshot;
    bench.addInstance("a", "10.0.0.2");
    bench.addService("b");
    assert.deepEqual(
      before.services.map((service) => service.hostname),
      [hostname],
    );
    assert.equal(before.endpoints(hostname, 80).length, 1);
    assert.notEqual(bench.registry.snapshot, before);
  });

  check("a change of endpoints leaves the list of services, and every other host's endpoints, the same ones", (bench) => {
    const [a, b] = [bench.addService("a"), bench.addService("b")];
    bench.addInstance("a", "10.0.0.1");
    bench.addInstance("b", "10.0.0.2");
    const before = bench.registry.snapshot;
    bench.addInstance("a", "10.0.0.3");
    const after = bench.registry.snapshot;
    assert.equal(after.services, before.services);
    assert.equal(after.endpoints(b, 80), before.endpoints(b, 80));
    assert.deepEqual([...(after.changedEndpoints(before) ?? [])], [a]);
    assert.deepEqual([...(after.changedEndpoints(after) ?? [])], []);
  });

  check("listeners hear whether services or only endpoints changed, until they unsubscribe", (bench) => {
    const heard: string[] = [];
    bench.addService("a");
    const unsubscribe = bench.registry.subscribe((changed) => heard.push(changed));
    bench.addInstance("a", "10.0.0.1");
    assert.equal(heard.at(-1), "endpoints");
    bench.addService("b");
    assert.equal(heard.at(-1), "services");
    const { length } = heard;
    unsubscribe();
    bench.addService("c");
    assert.equal(heard.length, length);
  });

  check("the snapshot that a listener finds is the one that it was told of", (bench) => {
    let seen = 0;
    const hostname = bench.addService("a");
    bench.registry.subscribe(() => (seen = bench.registry.snapshot.endpoints(hostname, 80).length));
    bench.addInstance("a", "10.0.0.1");
    assert.equal(seen, 1);
  });

  check("an address tells which service ports it serves", (bench) => {
    const hostname = bench.addService("a");
    bench.addInstance("a", "10.0.0.1");
    assert.deepEqual(
      bench.registry.snapshot.targetsAt("10.0.0.1").map(({ service, port }) => [service.hostname, port.number]),
      [[hostname, 80]],
    );
    assert.deepEqual(bench.registry.snapshot.targetsAt("10.0.0.2"), []);
    const before = bench.registry.snapshot;
    bench.addInstance("a", "10.0.0.2");
    bench.removeInstance("a", "10.0.0.1");
    assert.deepEqual(bench.registry.snapshot.targetsAt("10.0.0.1"), []);
    assert.equal(bench.registry.snapshot.targetsAt("10.0.0.2").length, 1);
    assert.equal(before.targetsAt("10.0.0.1").length, 1);
  });

  check("what comes back is as it was", (bench) => {
    const hostname = bench.addService("a");
    bench.addInstance("a", "10.0.0.1");
    const before = bench.registry.snapshot.endpoints(hostname, 80);
    bench.removeService("a");
    assert.deepEqual(bench.registry.snapshot.endpoints(hostname, 80), []);
    bench.addService("a");
    assert.deepEqual(bench.registry.snapshot.endpoints(hostname, 80), before);
  });
}
