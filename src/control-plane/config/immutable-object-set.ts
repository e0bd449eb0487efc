// The one implementation of ObjectSet. Order comes from whoever builds it: within a kind, oldest first.
import { keyOf, keyString, type ApiObject } from "#api/object";
import type { ObjectSet } from "./object-set.ts";

const NONE: readonly ApiObject<never>[] = [];

/** `objects` of one kind stand in the order in which `list` returns them. A list that has not changed stays that of `before`. */
export function objectSet(version: number, objects: Iterable<ApiObject>, before?: ObjectSet): ObjectSet {
  const byKind = new Map<string, ApiObject[]>();
  const byKey = new Map<string, ApiObject>();
  for (const object of objects) {
    let list = byKind.get(object.kind);
    if (list === undefined) byKind.set(object.kind, (list = []));
    list.push(object);
    byKey.set(keyString(keyOf(object)), object);
  }
  for (const [kind, list] of byKind) {
    const known = before?.list(kind);
    if (known?.length === list.length && list.every((object, index) => object === known[index])) byKind.set(kind, known as ApiObject[]);
  }
  return {
    version,
    list: <Spec>(kind: string) => (byKind.get(kind) ?? NONE) as readonly ApiObject<Spec>[],
    get: <Spec>(kind: string, namespace: string, name: string) =>
      byKey.get(keyString({ kind, namespace, name })) as ApiObject<Spec> | undefined,
  };
}
