// Whatever was kept from earlier snapshots must not be seen in the result: after any edits the bytes are those of a control plane that
// starts with the last state, and of one that keeps nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseFile } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { Mesh } from "#control-plane/mesh/mesh";
import { parseNode } from "#control-plane/mesh/parse-node";
import { buildRegistry } from "#control-plane/registry/build-registry";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import { ResourceCache } from "./resource-cache.ts";
import { generateResources, type ResourceSet } from "./resources.ts";

/** Each object in the forms that it may take; undefined: it is not there. Times are written, so that order does not depend on edits. */
const OBJECTS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  web: [
    object("v1", "Service", "web", "{ selector: { app: web }, clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }"),
    object(
      "v1",
      "Service",
      "web",
      "{ selector: { app: web }, clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }, { name: tcp, port: 90 }] }",
    ),
    undefined,
  ],
  entry: [
    object(
      "networking.istio.io/v1",
      "WorkloadEntry",
      "web-1",
      "{ address: 10.0.0.1, labels: { app: web, version: v1 }, serviceAccount: web }",
    ),
    object("networking.istio.io/v1", "WorkloadEntry", "web-1", "{ address: 10.0.0.2, labels: { app: web, version: v2 }, locality: a/b }"),
    undefined,
  ],
  outside: [
    object(
      "networking.istio.io/v1",
      "ServiceEntry",
      "outside",
      "{ hosts: [a.example.com], ports: [{ name: http, number: 80, protocol: HTTP }], resolution: DNS }",
    ),
    object(
      "networking.istio.io/v1",
      "ServiceEntry",
      "outside",
      "{ hosts: [a.example.com], ports: [{ name: tls, number: 443, protocol: TLS }], resolution: NONE, location: MESH_EXTERNAL }",
    ),
    object(
      "networking.istio.io/v1",
      "ServiceEntry",
      "outside",
      "{ hosts: [a.example.com], exportTo: ['.'], ports: [{ name: http, number: 80, protocol: HTTP }], resolution: STATIC, endpoints: [{ address: 10.1.0.1 }] }",
    ),
    undefined,
  ],
  rule: [
    object("networking.istio.io/v1", "DestinationRule", "web", "{ host: web, subsets: [{ name: v1, labels: { version: v1 } }] }"),
    object(
      "networking.istio.io/v1",
      "DestinationRule",
      "web",
      "{ host: web, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x } }, outlierDetection: {} } }",
    ),
    object(
      "networking.istio.io/v1",
      "DestinationRule",
      "web",
      "{ host: web, workloadSelector: { matchLabels: { app: a } }, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }",
    ),
    undefined,
  ],
  routes: [
    object(
      "networking.istio.io/v1",
      "VirtualService",
      "web",
      "{ hosts: [web], http: [{ route: [{ destination: { host: web, subset: v1 } }] }] }",
    ),
    object(
      "networking.istio.io/v1",
      "VirtualService",
      "web",
      "{ hosts: [web], http: [{ match: [{ sourceLabels: { app: a } }], route: [{ destination: { host: a.example.com } }] }, { fault: { abort: { httpStatus: 500, percentage: { value: 10 } } }, route: [{ destination: { host: web } }] }] }",
    ),
    object(
      "networking.istio.io/v1",
      "VirtualService",
      "web",
      "{ hosts: [web, '*.example.com'], gateways: [mesh, gw], http: [{ redirect: { uri: / } }] }",
    ),
    undefined,
  ],
  gateway: [
    object(
      "networking.istio.io/v1",
      "Gateway",
      "gw",
      "{ selector: { app: gw }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
    ),
    object(
      "networking.istio.io/v1",
      "Gateway",
      "gw",
      "{ selector: { app: gw }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, tls: { mode: SIMPLE, credentialName: c }, hosts: [a.example.com] }] }",
    ),
    undefined,
  ],
  mutual: [
    object("security.istio.io/v1", "PeerAuthentication", "default", "{ mtls: { mode: STRICT } }"),
    object("security.istio.io/v1", "PeerAuthentication", "default", "{ mtls: { mode: DISABLE } }"),
    undefined,
  ],
  sidecar: [
    object("networking.istio.io/v1", "Sidecar", "default", "{ egress: [{ hosts: ['./web.default.svc.cluster.local'] }] }"),
    object(
      "networking.istio.io/v1",
      "Sidecar",
      "default",
      "{ workloadSelector: { labels: { app: a } }, egress: [{ hosts: ['*/*'] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }",
    ),
    undefined,
    undefined,
  ],
  mesh: ["connectTimeout: 3s\n", "outboundTrafficPolicy: { mode: REGISTRY_ONLY }\naccessLogFile: /dev/stdout\n", undefined],
};
const NAMES = Object.keys(OBJECTS);

function object(apiVersion: string, kind: string, name: string, spec: string): string {
  return `{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: ${name}, namespace: default, creationTimestamp: "2026-01-01T00:00:00Z" }, spec: ${spec} }\n`;
}

const NODES = [
  { id: "sidecar~10.0.0.9~a-1.default~default.svc.cluster.local", metadata: { LABELS: { app: "a" } } },
  { id: "sidecar~10.0.0.1~web-1.default~default.svc.cluster.local", metadata: { LABELS: { app: "web", version: "v1" } } },
  { id: "sidecar~10.0.0.7~c-1.other~other.svc.cluster.local", metadata: { LABELS: { app: "a" }, INTERCEPTION_MODE: "NONE" } },
  { id: "router~10.0.0.8~gw-1.default~default.svc.cluster.local", metadata: { LABELS: { app: "gw" } } },
  { id: "sidecar~10.0.0.6~g-1.default~default.svc.cluster.local", metadata: { GENERATOR: "grpc" } },
].map(parseNode);

class Incremental {
  readonly #store = new ConfigStore();
  readonly #cache = new ResourceCache();
  #registry: RegistrySnapshot | undefined;
  #mesh: Mesh | undefined;
  #builds = 0;

  edit(name: string, form: number): void {
    const yaml = OBJECTS[name]![form] ?? "";
    const origin = { path: name === "mesh" ? "mesh.yaml" : `${name}.yaml`, rank: "file" as const, seenMs: 0 };
    const text =
      name === "mesh" && yaml !== ""
        ? `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata: { mesh: ${JSON.stringify(yaml)} }\n`
        : yaml;
    for (const { findings } of parseFile(text, origin.path))
      assert.deepEqual(
        findings.filter(({ level }) => level === "error"),
        [],
      );
    // An object that is missing has to be missing twice.
    for (const nowMs of [this.#builds * 10_000, this.#builds * 10_000 + 5_000])
      this.#store.put(origin, parseFile(text, origin.path), nowMs);
    this.#store.publish();
  }

  /** As a running control plane does it. */
  generate(): readonly ResourceSet[] {
    this.#registry = this.#buildRegistry(this.#registry);
    this.#mesh = this.#buildMesh(this.#registry, this.#mesh);
    this.#cache.nextRound();
    return NODES.map((node) => generateResources(this.#mesh!.view(node), this.#cache));
  }

  /** As one does it that has just started, and without a cache. */
  generateAnew(): readonly ResourceSet[] {
    const mesh = this.#buildMesh(this.#buildRegistry());
    return NODES.map((node) => generateResources(mesh.view(node)));
  }

  #buildRegistry(before?: RegistrySnapshot): RegistrySnapshot {
    return buildRegistry({ objects: this.#store.objects, registered: [], domain: "cluster.local" }, before);
  }

  #buildMesh(registry: RegistrySnapshot, before?: Mesh): Mesh {
    return buildMesh(
      {
        version: String(++this.#builds),
        objects: this.#store.objects,
        registry,
        meshConfigDefaults: DEFAULTS,
        domain: "cluster.local",
        hasCertificateAuthority: true,
      },
      before,
    );
  }
}

const DEFAULTS = {};

/** As text, for a difference that can be read. */
function dump(sets: readonly ResourceSet[]): readonly string[] {
  return sets.flatMap((set, index) =>
    [...set].flatMap(([typeUrl, resources]) =>
      [...resources].map(
        ([name, { value }]) => `${NODES[index]!.name} ${typeUrl.split(".").at(-1)} ${name} ${Buffer.from(value).toString("base64")}`,
      ),
    ),
  );
}

test("after any edits, what was kept makes no difference, and neither does the order of the edits", () => {
  const edit = fc
    .record({ name: fc.constantFrom(...NAMES), form: fc.nat({ max: 3 }) })
    .map(({ name, form }) => ({ name, form: form % OBJECTS[name]!.length }));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), (edits, order) => {
      const plane = new Incremental();
      const state = new Map<string, number>();
      for (const { name, form } of edits) {
        plane.edit(name, form);
        state.set(name, form);
        assert.deepEqual(dump(plane.generate()), dump(plane.generateAnew()));
      }
      const shuffled = [...state].map((entry) => ({ entry, at: order.next().value as number })).sort((a, b) => a.at - b.at);
      const fresh = new Incremental();
      for (const {
        entry: [name, form],
      } of shuffled)
        fresh.edit(name, form);
      assert.deepEqual(dump(fresh.generate()), dump(plane.generate()));
    }),
    { numRuns: 40 },
  );
});
