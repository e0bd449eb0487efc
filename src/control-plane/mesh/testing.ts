// A mesh from objects in a few words, for the tests of this folder and of those that stand on it.
import { objectSet } from "#control-plane/config/immutable-object-set";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { ApiObject } from "#api/object";
import { buildRegistry } from "#control-plane/registry/build-registry";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import { buildMesh } from "./build-mesh.ts";
import type { Mesh } from "./mesh.ts";
import type { ProxyNode } from "./proxy.ts";

export const DOMAIN = "cluster.local";

export interface ObjectOptions {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function object(kind: string, name: string, spec: unknown, options: ObjectOptions = {}): ApiObject {
  const { namespace = "default", labels = {}, annotations = {} } = options;
  const metadata = {
    name,
    namespace,
    labels,
    annotations,
    creationTimestamp: "2026-01-01T00:00:00Z",
    generation: 1,
    resourceVersion: "1",
    uid: "",
  };
  return { apiVersion: "v1", kind, metadata, spec };
}

export function httpService(name: string, options: ObjectOptions = {}): ApiObject {
  return object("Service", name, { selector: { app: name }, ports: [{ name: "http", port: 9080 }] }, options);
}

export interface MeshBench {
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  readonly registry: RegistrySnapshot;
}

/** The objects stand oldest first. */
export function meshOf(objects: readonly ApiObject[], hasCertificateAuthority = false): MeshBench {
  const set = objectSet(1, objects);
  const registry = buildRegistry({ objects: set, registered: [], domain: DOMAIN });
  const mesh = buildMesh({ version: "1", objects: set, registry, meshConfigDefaults: {}, domain: DOMAIN, hasCertificateAuthority });
  return { mesh, objects: set, registry };
}

export function proxyNode(over: Partial<ProxyNode> = {}): ProxyNode {
  return {
    id: "sidecar~127.66.0.5~a-1.default~default.svc.cluster.local",
    type: "sidecar",
    name: "a-1",
    namespace: "default",
    ipAddresses: ["127.66.0.5"],
    dnsDomain: "default.svc.cluster.local",
    labels: {},
    serviceAccount: "",
    interceptionMode: "NONE",
    version: "1.32.0",
    announcedIngress: [],
    httpProxy: undefined,
    gatewayBindAddresses: [],
    locality: "",
    network: "",
    clusterId: "Kubernetes",
    nodeName: "",
    proxyConfig: undefined,
    dnsCapture: false,
    generator: "",
    istioVersion: "1.32.0",
    metadata: {},
    extensions: new Set(),
    ...over,
  };
}
