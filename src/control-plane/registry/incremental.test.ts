import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import type { ApiObject } from "#api/object";
import { keyOf, keyString } from "#api/object";
import { objectSet } from "#control-plane/config/immutable-object-set";
import { buildRegistry } from "./build-registry.ts";
import type { RegistrySnapshot } from "./registry.ts";

const DOMAIN = "cluster.local";
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

function object(kind: string, name: string, spec: object, more: { labels?: object; status?: object } = {}): ApiObject {
  const { labels = {}, status } = more;
  const metadata = {
    name,
    namespace: kind === "Node" ? "" : "default",
    labels: labels as Record<string, string>,
    annotations: {},
    creationTimestamp: "2026-01-01T00:00:00Z",
    generation: 1,
    resourceVersion: "1",
    uid: "",
  };
  return { apiVersion: "v1", kind, metadata, spec, ...(status === undefined ? {} : { status }) };
}

const number = fc.nat({ max: 2 });
const address = fc.constantFrom(...ADDRESSES);
const anObject: fc.Arbitrary<ApiObject> = fc.oneof(
  fc.tuple(number, fc.constantFrom("http", "tcp"), fc.boolean()).map(([index, port, selects]) =>
    object("Service", `s${index}`, {
      ports: [{ name: port, port: 80, targetPort: 8080 }],
      ...(selects ? { selector: { app: `s${index}` } } : {}),
    }),
  ),
  fc
    .tuple(number, number)
    .map(([index, target]) =>
      object("Service", `s${index}`, { type: "ExternalName", externalName: `s${target}.default.svc.cluster.local` }),
    ),
  fc.tuple(number, number, address, fc.option(number)).map(([index, service, ip, pod]) =>
    object(
      "EndpointSlice",
      `slice${index}`,
      {
        addressType: "IPv4",
        endpoints: [{ addresses: [ip], ...(pod === null ? {} : { targetRef: { kind: "Pod", name: `p${pod}` } }) }],
        ports: [{ name: "http", port: 8080 }],
      },
      { labels: { "kubernetes.io/service-name": `s${service}` } },
    ),
  ),
  fc
    .tuple(number, number, address, fc.boolean())
    .map(([index, app, ip, ready]) =>
      object(
        "Pod",
        `p${index}`,
        { nodeName: "n" },
        { labels: { app: `s${app}` }, status: { podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] } },
      ),
    ),
  fc.constantFrom("us", "eu").map((region) => object("Node", "n", {}, { labels: { "topology.kubernetes.io/region": region } })),
  fc
    .tuple(number, number, address)
    .map(([index, app, ip]) => object("WorkloadEntry", `w${index}`, { address: ip, labels: { app: `s${app}` } })),
  fc
    .tuple(number, fc.constantFrom("a.example.com", "s0.default.svc.cluster.local"), fc.boolean(), number, address)
    .map(([index, host, selects, app, ip]) =>
      object("ServiceEntry", `e${index}`, {
        hosts: [host],
        resolution: "STATIC",
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        ...(selects ? { workloadSelector: { labels: { app: `s${app}` } } } : { endpoints: [{ address: ip }] }),
      }),
    ),
);
const anEdit = fc.record({ object: anObject, removes: fc.boolean() });

function told(snapshot: RegistrySnapshot): unknown {
  const { services } = snapshot;
  return {
    services,
    endpoints: services.map(({ hostname, namespace }) => snapshot.endpoints(hostname, 80, namespace)),
    targets: ADDRESSES.map((ip) =>
      snapshot
        .targetsAt(ip)
        .map(({ service, port, endpoint }) => [service.hostname, service.object.name, port.name, endpoint.port].join(" "))
        .toSorted(),
    ),
  };
}

test("whatever comes and goes, a snapshot made from the one before is the one made from nothing", () => {
  fc.assert(
    fc.property(fc.array(anEdit, { minLength: 1, maxLength: 25 }), (edits) => {
      const live = new Map<string, ApiObject>();
      let snapshot: RegistrySnapshot | undefined;
      for (const [index, { object: edited, removes }] of edits.entries()) {
        const key = keyString(keyOf(edited));
        if (removes) live.delete(key);
        else live.set(key, edited);
        const objects = objectSet(index, live.values());
        const before = snapshot;
        snapshot = buildRegistry({ objects, registered: [], domain: DOMAIN }, before);
        // Whoever asks for addresses makes the index that later snapshots keep up.
        snapshot.targetsAt("10.0.0.1");
        const fresh = buildRegistry({ objects, registered: [], domain: DOMAIN });
        assert.deepEqual(told(snapshot), told(fresh));
        if (before === undefined) continue;
        const changed = snapshot.changedEndpoints(before);
        for (const { hostname, namespace } of snapshot.services) {
          const same: boolean =
            JSON.stringify(snapshot.endpoints(hostname, 80, namespace)) === JSON.stringify(before.endpoints(hostname, 80, namespace));
          assert.ok(same || changed?.has(hostname) === true, `${hostname} changed and is not named`);
        }
      }
    }),
    { numRuns: 150 },
  );
});
