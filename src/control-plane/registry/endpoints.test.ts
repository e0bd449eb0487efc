import assert from "node:assert/strict";
import test from "node:test";
import { StoreBench, type WrittenObject } from "./testing.ts";
import type { ServiceEndpoint } from "./service.ts";

const hostname = "web.default.svc.cluster.local";

function endpoints(bench: StoreBench, host = hostname, port = 80): readonly string[] {
  return bench.registry.snapshot.endpoints(host, port).map((endpoint) => `${endpoint.address}:${endpoint.port} ${endpoint.health}`);
}

function only(bench: StoreBench, host = hostname, port = 80): ServiceEndpoint {
  const [endpoint, ...more] = bench.registry.snapshot.endpoints(host, port);
  assert.ok(endpoint);
  assert.deepEqual(more, []);
  return endpoint;
}

function web(): StoreBench {
  const bench = new StoreBench();
  bench.put("Service", "web", { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }], clusterIP: "10.96.0.1" });
  return bench;
}

function slice(bench: StoreBench, name: string, list: readonly object[], port = 8080): void {
  const labels = { "kubernetes.io/service-name": "web" };
  bench.put("EndpointSlice", name, { addressType: "IPv4", endpoints: list, ports: [{ name: "http", port }] }, { labels });
}

function pod(bench: StoreBench, name: string, ip: string, spec: object = {}, written: WrittenObject = {}): void {
  const conditions = [{ type: "Ready", status: "True" }];
  bench.put("Pod", name, spec, { status: { phase: "Running", podIP: ip, conditions }, labels: { app: "web" }, ...written });
}

test("conditions of a slice say how an endpoint is; several slices make one list", () => {
  const bench = web();
  slice(bench, "a", [
    { addresses: ["10.0.0.1"], conditions: { ready: true } },
    { addresses: ["10.0.0.2"], conditions: { ready: false, serving: false, terminating: false } },
    { addresses: ["10.0.0.3"], conditions: { ready: false, serving: true, terminating: true } },
  ]);
  slice(bench, "b", [{ addresses: ["10.0.0.4"] }, { addresses: ["10.0.0.1"] }]);
  assert.deepEqual(endpoints(bench), [
    "10.0.0.1:8080 HEALTHY",
    "10.0.0.2:8080 UNHEALTHY",
    "10.0.0.3:8080 DRAINING",
    "10.0.0.4:8080 HEALTHY",
  ]);
});

test("Endpoints count where there is no slice", () => {
  const bench = web();
  const subsets = [{ addresses: [{ ip: "10.0.0.1" }], notReadyAddresses: [{ ip: "10.0.0.2" }], ports: [{ name: "http", port: 8081 }] }];
  bench.put("Endpoints", "web", { subsets });
  assert.deepEqual(endpoints(bench), ["10.0.0.1:8081 HEALTHY", "10.0.0.2:8081 UNHEALTHY"]);
  slice(bench, "a", [{ addresses: ["10.0.0.3"] }]);
  assert.deepEqual(endpoints(bench), ["10.0.0.3:8080 HEALTHY"]);
});

test("a pod gives its endpoint identity, place and whether it takes mutual TLS", () => {
  const bench = web();
  bench.put(
    "Node",
    "n1",
    {},
    {
      namespace: "",
      labels: {
        "topology.kubernetes.io/region": "us",
        "topology.kubernetes.io/zone": "us-1",
        "topology.istio.io/subzone": "rack",
      },
    },
  );
  pod(
    bench,
    "web-1",
    "10.0.0.1",
    { serviceAccountName: "web", nodeName: "n1", hostname: "web-1", subdomain: "web" },
    {
      labels: { app: "web", "security.istio.io/tlsMode": "istio" },
    },
  );
  slice(bench, "a", [{ addresses: ["10.0.0.1"], nodeName: "n1", targetRef: { kind: "Pod", name: "web-1", namespace: "default" } }]);
  const endpoint = only(bench);
  assert.deepEqual(
    [endpoint.workload, endpoint.namespace, endpoint.serviceAccount, endpoint.locality, endpoint.tlsMode, endpoint.nodeName],
    ["web-1", "default", "web", "us/us-1/rack", "istio", "n1"],
  );
  assert.deepEqual([endpoint.hostname, endpoint.subdomain], ["web-1", "web"]);
  assert.deepEqual(endpoint.labels, {
    app: "web",
    "security.istio.io/tlsMode": "istio",
    "topology.kubernetes.io/region": "us",
    "topology.kubernetes.io/zone": "us-1",
    "topology.istio.io/subzone": "rack",
    "topology.istio.io/cluster": "Kubernetes",
    "kubernetes.io/hostname": "n1",
  });
});

test("an endpoint waits for its pod; one without a pod is nobody's", () => {
  const bench = web();
  slice(bench, "a", [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "web-1" } }, { addresses: ["10.0.0.9"] }]);
  assert.deepEqual(endpoints(bench), ["10.0.0.9:8080 HEALTHY"]);
  assert.deepEqual([only(bench).workload, only(bench).namespace], ["", ""]);
  pod(bench, "web-1", "10.0.0.1");
  assert.deepEqual(endpoints(bench), ["10.0.0.1:8080 HEALTHY", "10.0.0.9:8080 HEALTHY"]);
});

test("the label istio-locality stands above the node's place", () => {
  const bench = web();
  bench.put("Node", "n1", {}, { namespace: "", labels: { "topology.kubernetes.io/region": "us" } });
  pod(bench, "web-1", "10.0.0.1", { nodeName: "n1" }, { labels: { app: "web", "istio-locality": "eu.eu-1.rack" } });
  slice(bench, "a", [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "web-1" } }]);
  assert.equal(only(bench).locality, "eu/eu-1/rack");
});

test("a Service's selector also finds WorkloadEntries, but no names and sockets", () => {
  const bench = web();
  slice(bench, "a", [{ addresses: ["10.0.0.1"] }]);
  const labels = { app: "web" };
  bench.put("WorkloadEntry", "vm", { address: "172.16.0.7", labels, ports: { http: 9999 }, serviceAccount: "web", locality: "us-east/a" });
  bench.put("WorkloadEntry", "named", { address: "vm.example.com", labels });
  bench.put("WorkloadEntry", "socket", { address: "unix:///run/web", labels });
  assert.deepEqual(endpoints(bench), ["10.0.0.1:8080 HEALTHY", "172.16.0.7:9999 UNKNOWN"]);
  const vm = bench.registry.snapshot.endpoints(hostname, 80)[1];
  // Whoever has an account has a proxy with a certificate, unless a label says otherwise.
  assert.deepEqual([vm?.tlsMode, vm?.workload, vm?.locality], ["istio", "vm", "us-east/a"]);
});

test("the port of a ServiceEntry's endpoint: its own, then the target port, then the port; a socket has none", () => {
  const bench = new StoreBench();
  bench.put("ServiceEntry", "e", {
    hosts: ["a.example.com"],
    resolution: "STATIC",
    ports: [
      { number: 80, name: "http", protocol: "HTTP", targetPort: 8080 },
      { number: 81, name: "other", protocol: "TCP" },
    ],
    endpoints: [{ address: "10.0.0.1", ports: { http: 7000 } }, { address: "10.0.0.2", weight: 3 }, { address: "unix:///run/a" }],
  });
  assert.deepEqual(endpoints(bench, "a.example.com"), ["10.0.0.1:7000 UNKNOWN", "10.0.0.2:8080 UNKNOWN", "unix:///run/a:0 UNKNOWN"]);
  assert.deepEqual(endpoints(bench, "a.example.com", 81), ["10.0.0.1:81 UNKNOWN", "10.0.0.2:81 UNKNOWN", "unix:///run/a:0 UNKNOWN"]);
  const second = bench.registry.snapshot.endpoints("a.example.com", 80)[1];
  assert.deepEqual([second?.weight, second?.workload], [3, "e-1"]);
});

test("a ServiceEntry that is resolved by DNS and lists nothing looks up its own hosts", () => {
  const bench = new StoreBench();
  const ports = [{ number: 443, name: "tls", protocol: "TLS" }];
  bench.put("ServiceEntry", "e", { hosts: ["a.example.com", "b.example.com"], resolution: "DNS", ports });
  bench.put("ServiceEntry", "none", { hosts: ["c.example.com"], ports });
  const endpoint = only(bench, "b.example.com", 443);
  assert.deepEqual([endpoint.address, endpoint.port, endpoint.workload, endpoint.tlsMode], ["b.example.com", 443, "e", "disabled"]);
  assert.deepEqual(endpoints(bench, "c.example.com", 443), []);
});

test("a ServiceEntry selects pods that are ready and WorkloadEntries of its namespace", () => {
  const bench = new StoreBench();
  const selector = { workloadSelector: { labels: { app: "web" } } };
  const ports = [{ number: 80, name: "http", protocol: "HTTP", targetPort: 8080 }];
  bench.put("ServiceEntry", "e", { hosts: ["a.example.com"], location: "MESH_INTERNAL", resolution: "STATIC", ports, ...selector });
  pod(bench, "web-1", "10.0.0.1");
  pod(bench, "web-2", "10.0.0.2", {}, { status: { phase: "Running", podIP: "10.0.0.2" } });
  pod(bench, "web-3", "10.0.0.3", {}, { namespace: "other" });
  bench.put("WorkloadEntry", "vm", { address: "10.0.0.4", labels: { app: "web" }, ports: { http: 9999 } });
  assert.deepEqual(endpoints(bench, "a.example.com"), ["10.0.0.1:8080 HEALTHY", "10.0.0.4:9999 UNKNOWN"]);
});

test("a ServiceEntry of a Service's host and namespace adds its endpoints where the ports have one name", () => {
  const bench = web();
  slice(bench, "a", [{ addresses: ["10.0.0.1"] }]);
  const ports = [
    { number: 80, name: "http", protocol: "HTTP" },
    { number: 90, name: "more", protocol: "TCP" },
  ];
  bench.put("ServiceEntry", "e", { hosts: [hostname], resolution: "STATIC", ports, endpoints: [{ address: "10.9.0.1" }] });
  assert.deepEqual(endpoints(bench), ["10.0.0.1:8080 HEALTHY", "10.9.0.1:80 UNKNOWN"]);
  assert.deepEqual(endpoints(bench, hostname, 90), ["10.9.0.1:90 UNKNOWN"]);
});

test("a WorkloadEntry with health checks takes traffic once its status says Healthy", () => {
  const bench = web();
  const annotations = { "proxy.istio.io/health-checks-enabled": "true" };
  const spec = { address: "10.0.0.5", labels: { app: "web" } };
  bench.put("WorkloadEntry", "vm", spec, { annotations });
  assert.deepEqual(endpoints(bench), ["10.0.0.5:8080 UNHEALTHY"]);
  bench.put("WorkloadEntry", "vm", spec, { annotations, status: { conditions: [{ type: "Healthy", status: "True" }] } });
  assert.deepEqual(endpoints(bench), ["10.0.0.5:8080 UNKNOWN"]);
});

test("a pod is called after its Deployment, or what it says itself", () => {
  const bench = web();
  const owner = (kind: string, name: string): object => ({ generateName: `${name}-`, ownerReferences: [{ kind, name, controller: true }] });
  const names: [string, object, Record<string, string>][] = [
    ["web", owner("ReplicaSet", "web-5d8f"), { "pod-template-hash": "5d8f" }],
    ["db", owner("StatefulSet", "db"), {}],
    ["cleanup", owner("Job", "cleanup-28012345"), {}],
    ["said", owner("StatefulSet", "db"), { "service.istio.io/workload-name": "said" }],
    ["p", {}, {}],
  ];
  for (const [workload, metadata, labels] of names) {
    bench.putWith("Pod", "p", metadata, {}, { status: { podIP: "10.0.0.1" }, labels: { app: "web", ...labels } });
    slice(bench, "a", [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "p" } }]);
    assert.equal(only(bench).workload, workload);
  }
});

test("an object that changes only its endpoints changes no service", () => {
  const bench = new StoreBench();
  const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
  const write = (address: string): void =>
    bench.put("ServiceEntry", "e", { hosts: ["a.example.com"], resolution: "STATIC", ports, endpoints: [{ address }] });
  write("10.0.0.1");
  const heard: string[] = [];
  bench.registry.subscribe((changed) => heard.push(changed));
  write("10.0.0.2");
  assert.deepEqual(heard, ["endpoints"]);
  assert.deepEqual(endpoints(bench, "a.example.com"), ["10.0.0.2:80 UNKNOWN"]);
});
