// metadata.managedFields: who manages which fields of an object. Written with each change, read by server-side apply.
import { entriesOf, isList, member, textAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import { fromFieldsV1, isEmpty, LEAF, sameFields, toFieldsV1, without, type FieldSet } from "./field-set.ts";

export interface FieldManager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Managed extends FieldManager {
  readonly time: string;
  readonly fields: FieldSet;
}

function tree(paths: readonly string[]): FieldSet {
  let set: FieldSet = { self: false, children: new Map() };
  for (const path of paths) set = insert(set, path.split("."));
  return set;
}

function insert(set: FieldSet, [name, ...rest]: readonly string[]): FieldSet {
  if (name === undefined) return LEAF;
  const children = new Map(set.children);
  return {
    self: set.self,
    children: children.set(`f:${name}`, insert(children.get(`f:${name}`) ?? { self: false, children: new Map() }, rest)),
  };
}

/** Nobody manages what the server decides. */
const SERVER_FIELDS = [
  "apiVersion",
  "kind",
  "metadata.name",
  "metadata.namespace",
  "metadata.creationTimestamp",
  "metadata.deletionTimestamp",
  "metadata.deletionGracePeriodSeconds",
  "metadata.selfLink",
  "metadata.uid",
  "metadata.generation",
  "metadata.managedFields",
  "metadata.resourceVersion",
];
const UNMANAGED = tree([...SERVER_FIELDS, "status"]);
const UNMANAGED_IN_STATUS = tree([...SERVER_FIELDS, "spec"]);

/** Of fields that were found in an object or a change: those that are managed through the subresource. */
export function managedPart(fields: FieldSet, subresource: string): FieldSet {
  return without(fields, subresource === "status" ? UNMANAGED_IN_STATUS : UNMANAGED);
}

export function isSameManager(a: FieldManager, b: FieldManager): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    // Whoever applies has one entry, whatever version it is written in.
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Undefined when there are none, or when they have not the form of managed fields: then those of the stored object count. */
export function readManagedFields(object: JsonObject): readonly Managed[] | undefined {
  const entries = member(member(object, "metadata"), "managedFields");
  if (!isList(entries)) return undefined;
  const managed: Managed[] = [];
  for (const entry of entries) {
    // One empty entry takes all managers away.
    if (entries.length === 1 && sameEmpty(entry)) return [];
    const fields = fromFieldsV1(member(entry, "fieldsV1"));
    const operation = textAt(entry, "operation");
    if (fields === undefined || (operation !== "Apply" && operation !== "Update")) return undefined;
    managed.push({
      manager: textAt(entry, "manager"),
      operation,
      apiVersion: textAt(entry, "apiVersion"),
      subresource: textAt(entry, "subresource"),
      time: textAt(entry, "time"),
      fields,
    });
  }
  return managed;
}

function sameEmpty(entry: Json): boolean {
  return typeof entry === "object" && entry !== null && !Array.isArray(entry) && entriesOf(entry as JsonObject).length === 0;
}

export function writeManagedFields(managed: readonly Managed[]): readonly Json[] {
  return managed
    .filter(({ fields }) => !isEmpty(fields))
    .sort(compareManaged)
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      apiVersion,
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fields),
      manager,
      operation,
      ...(subresource === "" ? {} : { subresource }),
      ...(time === "" ? {} : { time }),
    }));
}

function compareManaged(a: Managed, b: Managed): number {
  const [left, right] = [a, b].map((entry) =>
    [entry.operation, entry.time, entry.manager, entry.apiVersion, entry.subresource].join("\u0000"),
  );
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

/** The entry of one manager set; its time changes only when its fields or their values do. */
export function withManager(
  managed: readonly Managed[],
  by: FieldManager,
  fields: FieldSet,
  touched: boolean,
  now: string,
): readonly Managed[] {
  const before = managed.find((entry) => isSameManager(entry, by));
  const same = before !== undefined && !touched && sameFields(before.fields, fields) && before.apiVersion === by.apiVersion;
  const others = managed.filter((entry) => entry !== before);
  return [...others, { ...by, fields, time: same ? before.time : now }];
}
