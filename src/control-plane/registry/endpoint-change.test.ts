import assert from "node:assert/strict";
import test from "node:test";
import { StoreBench } from "./testing.ts";

const web = { ports: [{ name: "http", port: 80, targetPort: 8080 }], clusterIP: "10.96.0.1" };
const named = { ...web, ports: [{ name: "http", port: 80, targetPort: "web" }] };

function bench(service: object): StoreBench {
  const made = new StoreBench();
  made.put("Service", "web", service);
  for (const [name, account] of [
    ["a", "one"],
    ["b", "one"],
    ["c", "two"],
  ] as const) {
    made.put("Pod", name, { serviceAccountName: account }, { status: { podIP: `10.0.0.${name.charCodeAt(0)}` } });
  }
  return made;
}

function list(made: StoreBench, pods: readonly string[], ready = true): void {
  const endpoints = pods.map((name) => ({
    addresses: [`10.0.0.${name.charCodeAt(0)}`],
    conditions: { ready, serving: ready, terminating: false },
    targetRef: { kind: "Pod", name },
  }));
  made.put(
    "EndpointSlice",
    "web",
    { addressType: "IPv4", endpoints, ports: [{ name: "http", port: 8080 }] },
    { labels: { "kubernetes.io/service-name": "web" } },
  );
}

function heard(made: StoreBench, change: () => void): readonly string[] {
  const changes: string[] = [];
  const unsubscribe = made.registry.subscribe((changed) => changes.push(changed));
  change();
  unsubscribe();
  return changes;
}

test("an endpoint more, or one that fails, shows in endpoints alone", () => {
  const made = bench(web);
  list(made, ["a"]);
  assert.deepEqual(
    heard(made, () => list(made, ["a", "b"])),
    ["endpoints"],
  );
  assert.deepEqual(
    heard(made, () => list(made, ["a", "b"], false)),
    ["endpoints"],
  );
});

test("an account that no endpoint had shows in the names that a cluster takes", () => {
  const made = bench(web);
  list(made, ["a"]);
  assert.deepEqual(
    heard(made, () => list(made, ["a", "c"])),
    ["services"],
  );
});

test("addresses of headless services show in listeners", () => {
  const made = bench({ ...web, clusterIP: "None" });
  list(made, ["a"]);
  assert.deepEqual(
    heard(made, () => list(made, ["a", "b"])),
    ["services"],
  );
});

test("a target port by name is known by the address", () => {
  const made = bench(named);
  list(made, ["a"]);
  assert.deepEqual(
    heard(made, () => list(made, ["a", "b"])),
    ["services"],
  );
  assert.deepEqual(
    heard(made, () => list(made, ["a", "b"], false)),
    ["endpoints"],
  );
});

test("names that proxies look up stand in clusters", () => {
  const made = new StoreBench();
  const write = (address: string): void =>
    made.put("ServiceEntry", "e", {
      hosts: ["a.example.com"],
      resolution: "DNS",
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      endpoints: [{ address }],
    });
  write("us.example.com");
  assert.deepEqual(
    heard(made, () => write("eu.example.com")),
    ["services"],
  );
});

test("what changes nothing shows nowhere else", () => {
  const made = bench(web);
  list(made, ["a"]);
  assert.deepEqual(
    heard(made, () => made.put("Pod", "z", {}, { status: { podIP: "10.0.0.99" } })),
    ["endpoints"],
  );
});
