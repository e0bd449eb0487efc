// How ownership of fields moves with a write: an update takes the fields that it changes; an apply owns what it says, must not change
// what others own unless it is forced, and removes what it no longer says.
import { StatusError, type StatusCause } from "#control-plane/config/status-error";
import { entriesOf, isList, isObject, objectOf, withMemberAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import type { Schema } from "#control-plane/api-server/schema/schema";
import { difference, intersection, isEmpty, NO_FIELDS, pathsOf, union } from "./field-set.ts";
import { allOf, compare, fieldsOf } from "./fields-of.ts";
import {
  isSameManager,
  managedPart,
  readManagedFields,
  withManager,
  writeManagedFields,
  type FieldManager,
  type Managed,
} from "./managed-fields.ts";
import { mergeConfiguration, removeFields } from "./merge-configuration.ts";

export interface Change {
  /** Undefined: it is created. */
  readonly live: JsonObject | undefined;
  readonly by: FieldManager;
  readonly schema: Schema;
  readonly now: string;
}

/** More managers than that, of updates, would fill the object; the oldest become one. */
const MAX_UPDATE_MANAGERS = 10;
const ANCIENT = "ancient-changes";

/** The object as it is to be stored, with managedFields after a create, replace or patch. */
export function noteUpdate(change: Change, object: JsonObject): JsonObject {
  const { live, by, schema, now } = change;
  const managed = readManagedFields(object) ?? (live === undefined ? undefined : readManagedFields(live)) ?? [];
  const comparison = compare(live, object, schema);
  const changed = managedPart(comparison.changed, by.subresource);
  const moved = managedPart(allOf(comparison), by.subresource);
  const own = managed.find((entry) => isSameManager(entry, by))?.fields ?? NO_FIELDS;
  const others = managed
    .filter((entry) => !isSameManager(entry, by))
    .map((entry) => ({ ...entry, fields: difference(entry.fields, moved) }));
  const mine = managed.filter((entry) => isSameManager(entry, by));
  const fields = union(difference(own, managedPart(comparison.removed, by.subresource)), changed);
  return withManaged(object, bounded(withManager([...others, ...mine], by, fields, !isEmpty(changed), now)));
}

/** The object after an apply. @throws StatusError Conflict naming who owns what */
export function applyConfiguration(change: Change, written: JsonObject, force: boolean): JsonObject {
  const { live, by, schema, now } = change;
  const config = withoutNulls(written);
  const managed = managersOf(live, schema);
  const fields = managedPart(fieldsOf(config, schema), by.subresource);
  const last = managed.find((entry) => isSameManager(entry, by))?.fields ?? NO_FIELDS;
  const others = managed.filter((entry) => !isSameManager(entry, by));
  const owned = others.reduce((all, entry) => union(all, entry.fields), NO_FIELDS);
  const merged = mergeConfiguration(live, config, schema);
  const result = removeFields(merged, difference(last, fields), owned, schema);
  if (!isObject(result)) throw StatusError.badRequest("an applied configuration must be an object");
  const comparison = compare(live, result, schema);
  const changed = managedPart(comparison.changed, by.subresource);
  const conflicts = others
    .map((entry) => ({ entry, fields: intersection(entry.fields, changed) }))
    .filter((found) => !isEmpty(found.fields));
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  // Nothing was said, and nothing is to be written down.
  if (live !== undefined && isEmpty(fields) && isEmpty(last) && isEmpty(changed)) return result;
  const left = others.map((entry) => ({ ...entry, fields: difference(entry.fields, managedPart(allOf(comparison), by.subresource)) }));
  const mine = managed.filter((entry) => isSameManager(entry, by));
  return withManaged(result, withManager([...left, ...mine], by, fields, !isEmpty(changed), now));
}

/** Of an object that nobody has managed so far somebody owns everything, so that an apply cannot overwrite it unseen. */
function managersOf(live: JsonObject | undefined, schema: Schema): readonly Managed[] {
  if (live === undefined) return [];
  const managed = readManagedFields(live) ?? [];
  if (managed.length > 0) return managed;
  const fields = managedPart(fieldsOf(live, schema), "");
  const apiVersion = typeof live["apiVersion"] === "string" ? live["apiVersion"] : "";
  return [{ manager: "before-first-apply", operation: "Update", apiVersion, subresource: "", time: "", fields }];
}

function withManaged(object: JsonObject, managed: readonly Managed[]): JsonObject {
  const entries = writeManagedFields(managed);
  return withMemberAt(object, ["metadata", "managedFields"], entries.length === 0 ? undefined : entries);
}

function bounded(managed: readonly Managed[]): readonly Managed[] {
  const updates = managed
    .filter(({ operation, fields }) => operation === "Update" && !isEmpty(fields))
    .sort((a, b) => (a.time < b.time ? -1 : 1));
  if (updates.length <= MAX_UPDATE_MANAGERS) return managed;
  const old = updates.slice(0, updates.length - MAX_UPDATE_MANAGERS + 1);
  const [newest] = old.slice(-1);
  if (newest === undefined) return managed;
  const fields = old.reduce((all, entry) => union(all, entry.fields), NO_FIELDS);
  return [...managed.filter((entry) => !old.includes(entry)), { ...newest, manager: ANCIENT, fields }];
}

function withoutNulls(value: JsonObject): JsonObject {
  return objectOf(
    entriesOf(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]): [string, Json] => [key, nullsGone(item)]),
  );
}

function nullsGone(value: Json): Json {
  if (isObject(value)) return withoutNulls(value);
  return isList(value) ? value.map(nullsGone) : value;
}

interface Conflict {
  readonly entry: Managed;
  readonly fields: ReturnType<typeof intersection>;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes: StatusCause[] = [];
  const lines: string[] = [];
  for (const { entry, fields } of conflicts) {
    const who = managerText(entry);
    const paths = pathsOf(fields);
    lines.push(`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`));
    causes.push(...paths.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field })));
  }
  const [only] = causes;
  const message =
    causes.length === 1 && only !== undefined
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field ?? ""}`
      : `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
  return new StatusError("Conflict", message, { details: { causes } });
}

/** An update says when it was; who applies is known by name. */
function managerText({ manager, operation, apiVersion, subresource, time }: Managed): string {
  const through = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const name = `${JSON.stringify(manager)}${through}`;
  if (operation === "Apply") return name;
  return time === "" ? `${name} using ${apiVersion}` : `${name} using ${apiVersion} at ${time}`;
}
