// Sets of fields, as metadata.managedFields holds them (FieldsV1): a tree whose steps are `f:NAME`, `k:{KEYS}` for an item of a list that
// is a map, `v:VALUE` for one of a list that is a set. Never changed in place.
import { entriesOf, isObject, objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";

export interface FieldSet {
  /** This field itself is in the set, not only fields in it. */
  readonly self: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const NO_FIELDS: FieldSet = { self: false, children: new Map() };
export const LEAF: FieldSet = { self: true, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.self && set.children.size === 0;
}

export function fieldSet(self: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { self, children: new Map([...children].filter(([, child]) => !isEmpty(child))) };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const children = new Map(a.children);
  for (const [step, child] of b.children) children.set(step, union(children.get(step) ?? NO_FIELDS, child));
  return { self: a.self || b.self, children };
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return fieldSet(
    a.self && !b.self,
    [...a.children].map(([step, child]) => {
      const other = b.children.get(step);
      return [step, other === undefined ? child : difference(child, other)] as const;
    }),
  );
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return fieldSet(
    a.self && b.self,
    [...a.children].map(([step, child]) => [step, intersection(child, b.children.get(step) ?? NO_FIELDS)] as const),
  );
}

/** Without what stands below the paths that `b` ends in. */
export function without(a: FieldSet, b: FieldSet): FieldSet {
  if (b.self) return NO_FIELDS;
  return fieldSet(
    a.self,
    [...a.children].map(([step, child]) => [step, without(child, b.children.get(step) ?? NO_FIELDS)] as const),
  );
}

export function sameFields(a: FieldSet, b: FieldSet): boolean {
  if (a.self !== b.self || a.children.size !== b.children.size) return false;
  for (const [step, child] of a.children) {
    const other = b.children.get(step);
    if (other === undefined || !sameFields(child, other)) return false;
  }
  return true;
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const steps = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const own: readonly (readonly [string, Json])[] = set.self && steps.length > 0 ? [[".", {}]] : [];
  return objectOf([...own, ...steps.map(([step, child]) => [step, toFieldsV1(child)] as const)]);
}

/** Undefined for what has not the form of FieldsV1. */
export function fromFieldsV1(value: Json | undefined): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  const children: [string, FieldSet][] = [];
  for (const [step, inner] of entriesOf(value)) {
    if (step === ".") continue;
    const child = fromFieldsV1(inner);
    if (child === undefined || !/^[fkvi]:/u.test(step)) return undefined;
    const self = isObject(inner) && (Object.hasOwn(inner, ".") || Object.keys(inner).length === 0);
    children.push([step, { self, children: child.children }]);
  }
  return { self: false, children: new Map(children) };
}

/** `.spec.containers[name="app"].image`, one for each field of the set, as Kubernetes names them in conflicts. */
export function pathsOf(set: FieldSet, prefix = ""): readonly string[] {
  const own = set.self ? [prefix] : [];
  const steps = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...own, ...steps.flatMap(([step, child]) => pathsOf(child, prefix + stepText(step)))];
}

function stepText(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith("f:")) return `.${rest}`;
  if (step.startsWith("v:")) return `[=${rest}]`;
  if (step.startsWith("i:")) return `[${rest}]`;
  const keys = JSON.parse(rest) as JsonObject;
  return `[${entriesOf(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",")}]`;
}
