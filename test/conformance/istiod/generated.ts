// What our control plane tells the proxies of a scenario: the same YAML through the same code as in `mizzen control-plane`, without
// network or files.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { parseFile } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { generateResources } from "#control-plane/generate/resources";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { Mesh } from "#control-plane/mesh/mesh";
import { parseNode } from "#control-plane/mesh/parse-node";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { buildRegistry } from "#control-plane/registry/registry";
import { anyToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { textOf } from "./list-meaning.ts";
import { RESOURCE_TYPES, type RecordedProxy, type ResourceType, type Resources, type Scenario } from "./scenario.ts";

const DOMAIN = "cluster.local";

/** The filters that only Istio's own proxy has; a real istiod takes for granted that every proxy has them. */
const ISTIO_FILTERS = [
  "istio.stats",
  "istio.alpn",
  "istio.metadata_exchange",
  "envoy.filters.http.peer_metadata",
  "envoy.filters.network.metadata_exchange",
];

/** @throws Error when our control plane refuses an object that istiod accepted */
export function meshOfScenario(scenario: Pick<Scenario, "input" | "mesh">): Mesh {
  const store = new ConfigStore();
  store.put({ path: "input.yaml", rank: "file", seenMs: 0 }, parseFile(scenario.input, "input.yaml"), 0);
  store.put({ path: "mesh.yaml", rank: "file", seenMs: 0 }, parseFile(scenario.mesh, "mesh.yaml"), 0);
  store.publish();
  const refused = store.findings.filter(({ level }) => level === "error");
  if (refused.length > 0) {
    throw new Error(`refused: ${refused.map(({ place, message }) => `${place?.file}:${place?.line}: ${message}`).join("; ")}`);
  }
  const { objects } = store;
  const registry = buildRegistry({ objects, registered: [], domain: DOMAIN });
  return buildMesh({ version: "1", objects, registry, meshConfigDefaults: {}, domain: DOMAIN, hasCertificateAuthority: true });
}

/** As Istio's agent announces it. */
export function nodeOf(proxy: RecordedProxy): ProxyNode {
  const metadata: Record<string, unknown> = {
    NAMESPACE: proxy.namespace,
    NAME: proxy.id,
    SERVICE_ACCOUNT: proxy.serviceAccount,
    CLUSTER_ID: "Kubernetes",
    ISTIO_VERSION: "1.32.0",
    MESH_ID: DOMAIN,
    INSTANCE_IPS: (proxy.ips ?? [proxy.ip]).join(","),
    LABELS: proxy.labels,
    EXTENSIONS: ISTIO_FILTERS,
    ...(proxy.type === "sidecar" ? { INTERCEPTION_MODE: "REDIRECT" } : {}),
  };
  for (const [name, value] of Object.entries(proxy.metadata)) {
    if (value === null) delete metadata[name];
    else metadata[name] = value;
  }
  return parseNode({ id: `${proxy.type}~${proxy.ip}~${proxy.id}.${proxy.namespace}~${proxy.namespace}.svc.${DOMAIN}`, metadata });
}

export function generatedResources(mesh: Mesh, node: ProxyNode): Readonly<Record<ResourceType, Resources>> {
  const set = generateResources(mesh.view(node));
  const of = (type: ResourceType): Resources => {
    const typeUrl = RESOURCE_TYPES[type];
    return new Map([...(set.get(typeUrl)?.values() ?? [])].map(({ name, value }) => [name, resourceJson(typeUrl, value)]));
  };
  return { listeners: of("listeners"), routes: of("routes"), clusters: of("clusters"), endpoints: of("endpoints") };
}

function resourceJson(typeUrl: string, value: Uint8Array): JsonObject {
  const { "@type": _, ...json } = anyToJson(configRegistry, create(AnySchema, { typeUrl, value }));
  if ("error" in json)
    throw new Error(`a resource cannot be shown as JSON (is a type missing in #envoy/config-registry?): ${textOf(json["error"])}`);
  return json;
}
