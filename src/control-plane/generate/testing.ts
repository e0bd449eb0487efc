// Views, routes and listeners from YAML in a few words, for the tests of the folders here.
import assert from "node:assert/strict";
import { parseFile } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { parseNode } from "#control-plane/mesh/parse-node";
import { buildRegistry } from "#control-plane/registry/build-registry";
import { configRegistry } from "#envoy/config-registry";
import { messageToJson } from "#envoy/any";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";

export interface ProxyOptions {
  readonly type?: "sidecar" | "router";
  readonly namespace?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What one proxy sees of a mesh in which certificates can be issued. */
export function viewOf(yaml: string, { type = "sidecar", namespace = "default", metadata = {} }: ProxyOptions = {}): ProxyView {
  const store = new ConfigStore();
  const documents = parseFile(yaml, "test.yaml");
  for (const document of documents) {
    for (const finding of document.findings) assert.notEqual(finding.level, "error", JSON.stringify(finding));
  }
  store.put({ path: "test.yaml", rank: "file", seenMs: 0 }, documents, 0);
  store.publish();
  const mesh = buildMesh({
    version: "1",
    objects: store.objects,
    registry: buildRegistry({ objects: store.objects, registered: [], domain: "cluster.local" }),
    meshConfigDefaults: {},
    domain: "cluster.local",
    hasCertificateAuthority: true,
  });
  return mesh.view(parseNode({ id: `${type}~10.244.0.5~a-1.${namespace}~${namespace}.svc.cluster.local`, metadata }));
}

export function service(name: string, ports: readonly (readonly [string, number])[], namespace = "default", more = ""): string {
  const list = ports.map(([port, number]) => `{ name: ${port}, port: ${number} }`).join(", ");
  return `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [${list}]${more} }
`;
}

export function virtualService(name: string, spec: string, namespace = "default"): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
}

interface VirtualHostJson {
  readonly name: string;
  readonly domains: readonly string[];
  readonly requireTls?: string;
  readonly routes?: readonly Json[];
}

/** Proto JSON: tests look at whatever field they are about. */
export interface Json {
  readonly [field: string]: any;
}

export function virtualHosts(configuration: RouteConfiguration | undefined): readonly VirtualHostJson[] {
  assert.ok(configuration);
  const json = messageToJson(configRegistry, RouteConfigurationSchema, configuration);
  return (json["virtualHosts"] ?? []) as unknown as readonly VirtualHostJson[];
}

/** Listeners in proto JSON by name. */
export function listenersByName(listeners: readonly Listener[]): Readonly<Record<string, Json>> {
  return Object.fromEntries(listeners.map((listener) => [listener.name, messageToJson(configRegistry, ListenerSchema, listener) as Json]));
}
