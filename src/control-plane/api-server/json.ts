// JSON as the API server reads and makes it. A key may be any text, `__proto__` included: objects are made with `Object.fromEntries`
// or `withMember`, which define members, never by assignment.
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The object's own member; undefined for what it inherits. */
export function member(object: Json | undefined, key: string): Json | undefined {
  return isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}

export function memberAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current = value;
  for (const key of path) current = member(current, key);
  return current;
}

export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = memberAt(value, ...path);
  return typeof found === "string" ? found : "";
}

/** Of a plain value; "" for what is none. */
export function plainText(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function entriesOf(object: JsonObject): readonly (readonly [string, Json])[] {
  const entries: [string, Json][] = [];
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value !== undefined) entries.push([key, value]);
  }
  return entries;
}

export function objectOf(entries: Iterable<readonly [string, Json]>): JsonObject {
  return Object.fromEntries(entries);
}

/** The object with one member more, less (undefined) or other; its order stays. */
export function withMember(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  const members = new Map(entriesOf(object));
  if (value === undefined) members.delete(key);
  else members.set(key, value);
  return objectOf(members);
}

export function withMemberAt(object: JsonObject, path: readonly string[], value: Json | undefined): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length === 0) return withMember(object, key, value);
  const inner = member(object, key);
  if (value === undefined && !isObject(inner)) return object;
  return withMember(object, key, withMemberAt(isObject(inner) ? inner : {}, rest, value));
}

/** The same text for values that `sameJson` finds equal: what maps and sets tell them apart by. */
export function identityOf(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    isObject(inner) ? objectOf(entriesOf(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Equal whatever the order of members. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const entries = entriesOf(a);
  return entries.length === entriesOf(b).length && entries.every(([key, value]) => sameJson(value, member(b, key)));
}
