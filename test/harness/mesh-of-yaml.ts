// What our control plane tells a proxy: YAML through the same code as in `mizzen control-plane`, without network or files.
import { parseFile, type DecodedObject, type ParsedDocument } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { Mesh } from "#control-plane/mesh/mesh";
import { parseNode } from "#control-plane/mesh/parse-node";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { buildRegistry } from "#control-plane/registry/build-registry";

const DOMAIN = "cluster.local";

/** The filters that only Istio's own proxy has; a real istiod takes for granted that every proxy has them. */
const ISTIO_FILTERS = [
  "istio.stats",
  "istio.alpn",
  "istio.metadata_exchange",
  "envoy.filters.http.peer_metadata",
  "envoy.filters.network.metadata_exchange",
];

/** `mesh`: MeshConfig over Istio's defaults. @throws Error when our control plane refuses an object */
export function meshOfYaml(objects: string, mesh: string): Mesh {
  const documents = [...parseFile(objects, "input.yaml"), ...parseFile(mesh, "mesh.yaml")];
  const refused = documents.flatMap(({ findings }) => findings).filter(({ level }) => level === "error");
  if (refused.length > 0) {
    throw new Error(`refused: ${refused.map(({ place, message }) => `${place?.file}:${place?.line}: ${message}`).join("; ")}`);
  }
  return meshOfDocuments(documents);
}

/** For tables of unit tests, whose objects no API server has checked: what is refused takes part as far as it can be read. */
export function meshOfUncheckedYaml(objects: string, mesh: string): Mesh {
  const documents = [...parseFile(objects, "input.yaml"), ...parseFile(mesh, "mesh.yaml")].map(unchecked);
  return meshOfDocuments(documents.sort(byName));
}

/** Objects of one age, or without: there istiod goes by name and namespace. */
function byName({ key: a }: ParsedDocument, { key: b }: ParsedDocument): number {
  const [left, right] = [a, b].map((key) => `${key?.name ?? ""} ${key?.namespace ?? ""}`);
  return left === right ? 0 : String(left) < String(right) ? -1 : 1;
}

function unchecked(document: ParsedDocument): ParsedDocument {
  const { key, object, partialSpec } = document;
  if (object !== undefined || key === undefined || partialSpec === undefined) return document;
  const { apiVersion, metadata } = document.rawValue() as { apiVersion: string; metadata: Partial<DecodedObject["metadata"]> };
  const meta = { labels: {}, annotations: {}, ...metadata, name: key.name, namespace: key.namespace };
  return { ...document, object: { apiVersion, kind: key.kind, metadata: meta, spec: partialSpec } };
}

function meshOfDocuments(documents: readonly ParsedDocument[]): Mesh {
  const store = new ConfigStore();
  store.put({ path: "input.yaml", rank: "file", seenMs: 0 }, documents, 0);
  store.publish();
  const { objects } = store;
  // What was recorded had no controller beside it that gives ServiceEntries their addresses.
  const registry = buildRegistry({ objects, registered: [], domain: DOMAIN, allocateAddresses: false });
  return buildMesh({ version: "1", objects, registry, meshConfigDefaults: {}, domain: DOMAIN, hasCertificateAuthority: true });
}

export interface ProxyOfTable {
  readonly type: string;
  /** The workload's name. */
  readonly id: string;
  readonly namespace: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Over what Istio's agent announces; null takes a value away. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** `region/zone/sub-zone`, where the proxy says where it is. */
  readonly locality?: string;
}

/** As Istio's agent announces it. */
export function nodeOf(proxy: ProxyOfTable): ProxyNode {
  const metadata: Record<string, unknown> = {
    NAMESPACE: proxy.namespace,
    NAME: proxy.id,
    SERVICE_ACCOUNT: proxy.serviceAccount,
    CLUSTER_ID: "Kubernetes",
    ISTIO_VERSION: "1.32.0",
    MESH_ID: DOMAIN,
    INSTANCE_IPS: proxy.ips.join(","),
    LABELS: proxy.labels,
    EXTENSIONS: ISTIO_FILTERS,
    ...(proxy.type === "sidecar" ? { INTERCEPTION_MODE: "REDIRECT" } : {}),
  };
  for (const [name, value] of Object.entries(proxy.metadata)) {
    if (value === null) delete metadata[name];
    else metadata[name] = value;
  }
  const workload = `${proxy.id}.${proxy.namespace}`;
  const [region = "", zone = "", subZone = ""] = proxy.locality?.split("/") ?? [];
  return parseNode({
    id: `${proxy.type}~${proxy.ips[0] ?? ""}~${workload}~${proxy.namespace}.svc.${DOMAIN}`,
    metadata,
    locality: { region, zone, subZone },
  });
}
