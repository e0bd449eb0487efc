// The objects that are analyzed, by kind and by name. Objects of Kubernetes' own namespaces are not the user's and are left out.
import type { AnalyzedObject, ObjectOf } from "./analyzed-object.ts";
import type { AnalyzedKind } from "./specs.ts";

const SYSTEM_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);

export class ObjectTable {
  #byKind = new Map<string, AnalyzedObject[]>();
  #byName = new Map<string, AnalyzedObject>();

  constructor(objects: Iterable<AnalyzedObject>) {
    for (const object of objects) {
      const { kind, namespace, name } = object.key;
      if (SYSTEM_NAMESPACES.has(kind === "Namespace" ? name : namespace)) continue;
      const at = `${kind}|${namespace}|${name}`;
      const before = this.#byName.get(at);
      // Of two objects of one name in one cluster the first counts; that there are two is the store's to say.
      if (before !== undefined && before.cluster === object.cluster) continue;
      if (before === undefined) this.#byName.set(at, object);
      const list = this.#byKind.get(kind);
      if (list === undefined) this.#byKind.set(kind, [object]);
      else list.push(object);
    }
  }

  list<Kind extends AnalyzedKind>(kind: Kind): readonly ObjectOf<Kind>[] {
    return (this.#byKind.get(kind) ?? []) as readonly ObjectOf<Kind>[];
  }

  find<Kind extends AnalyzedKind>(kind: Kind, namespace: string, name: string): ObjectOf<Kind> | undefined {
    return this.#byName.get(`${kind}|${namespace}|${name}`) as ObjectOf<Kind> | undefined;
  }

  has(kind: AnalyzedKind): boolean {
    return this.#byKind.has(kind);
  }
}
