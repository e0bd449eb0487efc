import assert from "node:assert/strict";
import test from "node:test";
import type { ServiceSpec } from "#api/service";
import { documentOf } from "#control-plane/config/builtin-objects";
import { ConfigStore } from "#control-plane/config/store";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { targetPortOf } from "./endpoints.ts";
import { selects } from "./labels.ts";
import { ConfigRegistry } from "./config-registry.ts";
import type { ServicePort } from "./service.ts";
import { WorkloadRegistrations, type RegistrationSession, type WorkloadDescription } from "./workload-registrations.ts";

interface Bench {
  readonly registry: ConfigRegistry;
  readonly changes: string[];
  readonly object: (kind: string, name: string, spec: unknown, annotations?: Record<string, string>) => void;
  readonly connect: (description: Partial<WorkloadDescription>) => RegistrationSession;
  readonly endpoints: (hostname: string, port: number) => readonly string[];
}

function bench(): Bench {
  const store = new ConfigStore();
  const registrations = new WorkloadRegistrations({ clock: new ManualClock(), log: silentLog });
  const registry = new ConfigRegistry({ store, registrations, domain: "cluster.local" });
  const changes: string[] = [];
  registry.subscribe((changed) => changes.push(changed));
  return {
    registry,
    changes,
    object: (kind, name, spec, annotations = {}) => {
      const object = { apiVersion: "v1", kind, metadata: { name, namespace: "default", labels: {}, annotations }, spec };
      store.put({ path: `${kind}-${name}`, rank: "file", seenMs: 0 }, [documentOf(object)], 0);
      store.publish();
    },
    connect: (description) => {
      const session = registrations.connect({
        group: "reviews-v1",
        namespace: "default",
        workload: "reviews-v1-1",
        address: "127.66.0.5",
        labels: {},
        serviceAccount: "",
        ports: {},
        listening: [],
        locality: "",
        network: "",
        ...description,
      });
      assert.ok(session);
      return session;
    },
    endpoints: (hostname, port) =>
      registry.snapshot.endpoints(hostname, port).map((endpoint) => `${endpoint.address}:${endpoint.port} ${endpoint.health}`),
  };
}

const reviews: ServiceSpec = { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080 }] };
const hostname = "reviews.default.svc.cluster.local";
const group = { metadata: { labels: { app: "reviews", version: "v1" } }, template: { serviceAccount: "bookinfo-reviews" } };

test("a Service becomes a service of the mesh", () => {
  const { object, registry } = bench();
  object(
    "Service",
    "reviews",
    {
      ...reviews,
      clusterIP: "10.0.0.1",
      ports: [
        { port: 80, targetPort: 8080, name: "http-web" },
        { port: 9000, targetPort: "metrics", protocol: "UDP" },
      ],
    },
    { "networking.istio.io/exportTo": "., other , " },
  );
  const [service] = registry.snapshot.services;
  assert.deepEqual(service, {
    hostname,
    name: "reviews",
    namespace: "default",
    ports: [
      { name: "http-web", number: 80, protocol: "HTTP", targetPort: 8080 },
      { name: "", number: 9000, protocol: "UDP", targetPort: "metrics" },
    ],
    addresses: ["10.0.0.1"],
    autoAllocatedAddresses: [],
    resolution: "EDS",
    alias: undefined,
    headless: false,
    selector: { app: "reviews" },
    labels: {},
    creationTimestamp: "1970-01-01T00:00:00Z",
    exportTo: [".", "other"],
    source: "Service",
    object: { kind: "Service", namespace: "default", name: "reviews" },
    aliases: [],
    external: false,
    trafficDistribution: undefined,
    nodeLocal: false,
    publishNotReadyAddresses: false,
    subjectAltNames: [],
    serviceAccounts: [],
  });
});

test("headless services have no address; ExternalName is an alias and has no selector", () => {
  const { object, registry } = bench();
  object("Service", "a", { ...reviews, clusterIP: "None" });
  object("Service", "b", { type: "ExternalName", externalName: "example.com", selector: { app: "reviews" } });
  const [a, b] = registry.snapshot.services;
  assert.deepEqual([a?.addresses, a?.headless, a?.resolution], [[], true, "NONE"]);
  assert.deepEqual([b?.alias, b?.resolution, b?.selector], ["example.com", "ALIAS", undefined]);
  assert.deepEqual(registry.snapshot.findings, []);
});

test("an instance that an agent registers is an endpoint with its group's labels", () => {
  const { object, connect, registry, endpoints } = bench();
  object("Service", "reviews", reviews);
  object("WorkloadGroup", "reviews-v1", group);
  const session = connect({ labels: { instance: "1" } });
  assert.deepEqual(endpoints(hostname, 9080), ["127.66.0.5:9080 HEALTHY"]);
  const [endpoint] = registry.snapshot.endpoints(hostname, 9080);
  assert.deepEqual(endpoint?.labels, { app: "reviews", version: "v1", instance: "1", "topology.istio.io/cluster": "Kubernetes" });
  assert.equal(endpoint?.serviceAccount, "bookinfo-reviews");
  session.report("UNHEALTHY");
  assert.deepEqual(endpoints(hostname, 9080), ["127.66.0.5:9080 UNHEALTHY"]);
});

test("an instance of a group with a probe is unhealthy until its first report", () => {
  const { object, connect, endpoints } = bench();
  object("Service", "reviews", reviews);
  object("WorkloadGroup", "reviews-v1", { ...group, probe: { httpGet: { port: 9080 } } });
  const session = connect({});
  assert.deepEqual(endpoints(hostname, 9080), ["127.66.0.5:9080 UNHEALTHY"]);
  session.report("HEALTHY");
  assert.deepEqual(endpoints(hostname, 9080), ["127.66.0.5:9080 HEALTHY"]);
});

test("a workload whose group is not there is no endpoint and is named, unless it is leaving", () => {
  const { object, connect, registry, endpoints } = bench();
  object("Service", "reviews", reviews);
  const session = connect({});
  assert.deepEqual(endpoints(hostname, 9080), []);
  assert.equal(registry.snapshot.findings[0]?.code, "IST0101");
  session.report("DRAINING");
  assert.deepEqual(registry.snapshot.findings, []);
});

test("a WorkloadEntry that somebody wrote is an endpoint; its ports override by the service port's name", () => {
  const { object, endpoints } = bench();
  object("Service", "reviews", reviews);
  object("WorkloadEntry", "vm", { address: "10.0.0.9", labels: { app: "reviews" }, ports: { http: 7000 } });
  object("WorkloadEntry", "other", { address: "10.0.0.8", labels: { app: "details" } });
  assert.deepEqual(endpoints(hostname, 9080), ["10.0.0.9:7000 UNKNOWN"]);
});

test("changes of endpoints leave the list of services the same one", () => {
  const { object, connect, registry, changes } = bench();
  object("WorkloadGroup", "reviews-v1", group);
  object("Service", "reviews", reviews);
  const { services } = registry.snapshot;
  connect({}).report("UNHEALTHY");
  object("VirtualService", "reviews", {});
  assert.equal(registry.snapshot.services, services);
  // The first instance brings its account along, which clusters ask certificates for.
  assert.deepEqual(changes, ["endpoints", "services", "services", "endpoints"]);
});

test("target ports", () => {
  const port = (targetPort: number | string): ServicePort => ({ name: "http", number: 80, protocol: "HTTP", targetPort });
  assert.equal(targetPortOf(port(8080), {}, []), 8080);
  assert.equal(targetPortOf(port(8080), { http: 7000 }, []), 7000);
  assert.equal(targetPortOf(port(8080), { http: 7000 }, [8080]), 8080, "the instance itself says that it listens there");
  assert.equal(targetPortOf(port("web"), { http: 7000, web: 7001 }, []), 7001);
  assert.equal(targetPortOf(port("web"), { http: 7000 }, []), undefined);
});

test("selectors", () => {
  assert.equal(selects({}, { app: "a" }), true);
  assert.equal(selects({ app: "a" }, {}), false);
  assert.equal(selects({ app: "a" }, { app: "a", version: "v1" }), true);
  assert.equal(selects({ app: "a", version: "v2" }, { app: "a", version: "v1" }), false);
});
