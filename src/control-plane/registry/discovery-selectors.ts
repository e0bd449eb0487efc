// MeshConfig's discoverySelectors: objects of namespaces that none of them selects do not exist for the mesh.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import { labelSelectorMatches } from "./labels.ts";

/** MeshConfig is read from where it stands, whatever the selectors say. */
const ALWAYS: ReadonlySet<string> = new Set(["MeshConfig", "MeshNetworks"]);

const filtered = new WeakMap<ObjectSet, ObjectSet>();

/** The same set when nothing is left out; for one set always the same one. */
export function discoveredObjects(objects: ObjectSet): ObjectSet {
  const selectors = objects.list<MeshConfigSpec>("MeshConfig")[0]?.spec.discoverySelectors ?? [];
  if (selectors.length === 0) return objects;
  let result = filtered.get(objects);
  if (result === undefined) filtered.set(objects, (result = withSelectors(objects, selectors)));
  return result;
}

function withSelectors(objects: ObjectSet, selectors: NonNullable<MeshConfigSpec["discoverySelectors"]>): ObjectSet {
  const labels = new Map(objects.list("Namespace").map(({ metadata }) => [metadata.name, metadata.labels]));
  const verdicts = new Map<string, boolean>();
  const selected = (namespace: string): boolean => {
    if (namespace === "") return true;
    let verdict = verdicts.get(namespace);
    if (verdict === undefined) {
      // Kubernetes gives every namespace a label with its name.
      const own = { "kubernetes.io/metadata.name": namespace, ...labels.get(namespace) };
      verdict = selectors.some((selector) => labelSelectorMatches(selector, own));
      verdicts.set(namespace, verdict);
    }
    return verdict;
  };
  const lists = new Map<string, readonly ApiObject[]>();
  return {
    version: objects.version,
    list: <Spec>(kind: string) => {
      if (ALWAYS.has(kind)) return objects.list<Spec>(kind);
      let list = lists.get(kind);
      if (list === undefined) lists.set(kind, (list = objects.list(kind).filter(({ metadata }) => selected(metadata.namespace))));
      return list as readonly ApiObject<Spec>[];
    },
    get: <Spec>(kind: string, namespace: string, name: string) =>
      ALWAYS.has(kind) || selected(namespace) ? objects.get<Spec>(kind, namespace, name) : undefined,
  };
}
