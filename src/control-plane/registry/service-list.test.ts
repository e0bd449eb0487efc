import assert from "node:assert/strict";
import test from "node:test";
import { allocateAddresses } from "./auto-allocated-addresses.ts";
import type { Service } from "./service.ts";
import { StoreBench } from "./testing.ts";

const port = { number: 80, name: "http", protocol: "HTTP" };

function service(bench: StoreBench, hostname: string): Service {
  const found = bench.registry.snapshot.services.find((candidate) => candidate.hostname === hostname);
  assert.ok(found, hostname);
  return found;
}

test("each host of a ServiceEntry is a service", () => {
  const bench = new StoreBench();
  bench.put("ServiceEntry", "e", {
    hosts: ["b.example.com", "*.example.org"],
    addresses: ["10.0.0.1", "10.1.0.0/16", "10.0.0.2/32", "fd00::1/128"],
    ports: [{ ...port, targetPort: 8080 }],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    exportTo: ["."],
    subjectAltNames: ["spiffe://a"],
    workloadSelector: { labels: { app: "a" } },
  });
  const found = service(bench, "b.example.com");
  assert.deepEqual(found.addresses, ["10.0.0.1", "10.1.0.0/16", "10.0.0.2", "fd00::1"]);
  assert.deepEqual(found.ports, [{ name: "http", number: 80, protocol: "HTTP", targetPort: 8080 }]);
  assert.deepEqual([found.external, found.resolution, found.exportTo], [false, "EDS", ["."]]);
  assert.deepEqual([found.subjectAltNames, found.selector], [["spiffe://a"], { app: "a" }]);
  assert.deepEqual(found.object, { kind: "ServiceEntry", namespace: "default", name: "e" });
  assert.equal(service(bench, "*.example.org").object.name, "e");
});

const resolutions: readonly [string | undefined, string][] = [
  [undefined, "NONE"],
  ["NONE", "NONE"],
  ["STATIC", "EDS"],
  ["DNS", "DNS"],
  ["DNS_ROUND_ROBIN", "DNS_ROUND_ROBIN"],
  ["DYNAMIC_DNS", "DYNAMIC_DNS"],
];

for (const [written, resolution] of resolutions) {
  test(`resolution ${written ?? "left out"} of a ServiceEntry is ${resolution}`, () => {
    const bench = new StoreBench();
    bench.put("ServiceEntry", "e", { hosts: ["a.example.com"], ports: [port], resolution: written });
    assert.equal(service(bench, "a.example.com").resolution, resolution);
    assert.equal(service(bench, "a.example.com").external, true);
  });
}

test("a host without an address is given one, the same one in every ServiceEntry of the namespace", () => {
  const bench = new StoreBench();
  bench.put("ServiceEntry", "a", { hosts: ["a.example.com", "*.b.com"], ports: [port], resolution: "DNS" });
  bench.put("ServiceEntry", "b", { hosts: ["a.example.com"], ports: [{ ...port, number: 81 }], resolution: "DNS" });
  bench.put("ServiceEntry", "c", { hosts: ["c.example.com"], ports: [port], resolution: "NONE" });
  bench.put("ServiceEntry", "d", { hosts: ["d.example.com"], ports: [port], resolution: "DNS", addresses: ["10.0.0.1"] });
  const never = { labels: { "networking.istio.io/enable-autoallocate-ip": "false" } };
  bench.put("ServiceEntry", "e", { hosts: ["e.example.com"], ports: [port], resolution: "DNS" }, never);
  const both = bench.registry.snapshot.services.filter(({ hostname }) => hostname === "a.example.com");
  assert.match(both[0]?.autoAllocatedAddresses[0] ?? "", /^240\.240\.\d+\.\d+$/u);
  assert.match(both[0]?.autoAllocatedAddresses[1] ?? "", /^2001:2::f0f0:[0-9a-f]+$/u);
  assert.deepEqual(both[0]?.autoAllocatedAddresses, both[1]?.autoAllocatedAddresses);
  for (const host of ["*.b.com", "c.example.com", "d.example.com", "e.example.com"]) {
    assert.deepEqual(service(bench, host).autoAllocatedAddresses, [], host);
  }
});

test("addresses in a ServiceEntry's status are taken as they are", () => {
  const bench = new StoreBench();
  const status = { addresses: [{ value: "240.240.0.7", host: "a.example.com" }, { value: "no address", host: "a.example.com" }, null] };
  bench.put("ServiceEntry", "a", { hosts: ["a.example.com"], ports: [port], resolution: "DNS" }, { status });
  assert.deepEqual(service(bench, "a.example.com").autoAllocatedAddresses, ["240.240.0.7"]);
});

test("allocated addresses are all different, stable, and never a network's first or last", () => {
  const hosts = Array.from({ length: 3_000 }, (_, index) => `default/host-${index}.example.com`);
  const all = allocateAddresses(hosts);
  assert.equal(new Set([...all.values()].map(([v4]) => v4)).size, hosts.length);
  assert.equal(new Set([...all.values()].map(([, v6]) => v6)).size, hosts.length);
  assert.deepEqual(allocateAddresses(hosts.toReversed()), all);
  for (const [v4 = ""] of all.values()) assert.ok(!/\.(?:0|255)$/u.test(v4) && !v4.startsWith("240.240.255."), v4);
  // One host less moves hardly any other.
  const fewer = allocateAddresses(hosts.slice(1));
  const moved = hosts.slice(1).filter((host) => fewer.get(host)?.[0] !== all.get(host)?.[0]);
  assert.ok(moved.length < 10, `${moved.length} moved`);
});

test("an ExternalName is another name of what it leads to in the end; one that leads to itself is nobody's", () => {
  const bench = new StoreBench();
  const external = (name: string, externalName: string): void =>
    bench.put("Service", name, { type: "ExternalName", externalName, ports: [{ name: "http", port: 80 }] });
  bench.put("Service", "web", { ports: [{ name: "http", port: 80 }], clusterIP: "10.96.0.1" });
  external("second", "first.default.svc.cluster.local");
  external("first", "web.default.svc.cluster.local");
  external("loop", "pool.default.svc.cluster.local");
  external("pool", "loop.default.svc.cluster.local");
  assert.deepEqual(
    service(bench, "web.default.svc.cluster.local").aliases.map(({ hostname }) => hostname),
    ["first.default.svc.cluster.local", "second.default.svc.cluster.local"],
  );
  assert.deepEqual(service(bench, "loop.default.svc.cluster.local").aliases, []);
});

test("of one host the Kubernetes Service stands before ServiceEntries, and those by age", () => {
  const bench = new StoreBench();
  const host = "web.default.svc.cluster.local";
  const entry = (name: string, second: string): void =>
    bench.put("ServiceEntry", name, { hosts: [host], ports: [port] }, { creationTimestamp: `2026-01-01T00:00:${second}Z` });
  entry("a", "03");
  entry("b", "02");
  bench.put("Service", "web", { ports: [{ name: "http", port: 80 }] }, { creationTimestamp: "2026-01-01T00:00:04Z" });
  assert.deepEqual(
    bench.registry.snapshot.services.map(({ object }) => object.name),
    ["web", "b", "a"],
  );
});

test("trafficDistribution: the Service's field, its annotation, its namespace's", () => {
  const bench = new StoreBench();
  const name = "networking.istio.io/traffic-distribution";
  const spec = { ports: [{ name: "http", port: 80 }], internalTrafficPolicy: "Local" };
  bench.put("Namespace", "default", {}, { namespace: "", annotations: { [name]: "PreferSameZone" } });
  bench.put("Service", "a", { ...spec, trafficDistribution: "PreferClose" }, { annotations: { [name]: "PreferSameNode" } });
  bench.put("Service", "b", spec, { annotations: { [name]: "PreferSameNode" } });
  bench.put("Service", "c", spec);
  assert.deepEqual(
    bench.registry.snapshot.services.map(({ trafficDistribution, nodeLocal }) => [trafficDistribution, nodeLocal]),
    [
      ["PreferClose", true],
      ["PreferSameNode", true],
      ["PreferSameZone", true],
    ],
  );
});

test("namespaces that no discovery selector selects do not exist", () => {
  const bench = new StoreBench();
  bench.put("Namespace", "default", {}, { namespace: "", labels: { mesh: "yes" } });
  bench.put("Service", "a", { ports: [{ name: "http", port: 80 }] });
  bench.put("Service", "b", { ports: [{ name: "http", port: 80 }] }, { namespace: "other" });
  const names = (): readonly string[] => bench.registry.snapshot.services.map(({ name }) => name);
  assert.deepEqual(names(), ["a", "b"]);
  const discoverySelectors = [{ matchLabels: { mesh: "yes" } }, { matchExpressions: [{ key: "x", operator: "Exists", values: [] }] }];
  bench.put("MeshConfig", "istio", { discoverySelectors }, { namespace: "istio-system" });
  assert.deepEqual(names(), ["a"]);
  bench.put("Namespace", "other", {}, { namespace: "", labels: { x: "" } });
  assert.deepEqual(names(), ["a", "b"]);
  bench.put(
    "MeshConfig",
    "istio",
    { discoverySelectors: [{ matchLabels: { "kubernetes.io/metadata.name": "other" } }] },
    { namespace: "istio-system" },
  );
  assert.deepEqual(names(), ["b"]);
});
