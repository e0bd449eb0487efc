// Kubernetes' strategic merge patch: a merge patch in which lists with a merge key are merged by it, with directives ($patch,
// $retainKeys, $setElementOrder/FIELD, $deleteFromPrimitiveList/FIELD). Only for kinds whose schema says how lists are merged.
import { StatusError } from "#control-plane/config/status-error";
import { entriesOf, identityOf, isList, isObject, member, objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import { inOrder } from "./list-order.ts";
import { memberSchema, type Schema } from "#control-plane/api-server/schema/schema";

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const ORDER = "$setElementOrder/";
const DELETE_VALUES = "$deleteFromPrimitiveList/";

/** @throws StatusError BadRequest when a directive is wrong */
export function applyStrategicMergePatch(value: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  return mergeMap(value, patch, schema);
}

function mergeMap(value: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  switch (member(patch, DIRECTIVE)) {
    case undefined:
    case "merge":
      break;
    case "replace":
      return plain(patch);
    case "delete":
      return {};
    default:
      throw StatusError.badRequest(`Unknown patch type found: ${JSON.stringify(member(patch, DIRECTIVE))}`);
  }
  const members = new Map(retained(value, patch));
  for (const [key, change] of entriesOf(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_VALUES)) {
      deleteValues(members, key.slice(DELETE_VALUES.length), change);
      continue;
    }
    if (change === null) {
      members.delete(key);
      continue;
    }
    const order = member(patch, ORDER + key);
    const merged = mergeMember(members.get(key), change, memberSchema(schema, key), order);
    if (merged === undefined) members.delete(key);
    else members.set(key, merged);
  }
  for (const [key, order] of entriesOf(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    const list = members.get(name);
    if (isList(list) && isList(order) && member(patch, name) === undefined) {
      members.set(name, ordered(list, order, memberSchema(schema, name)?.patchMergeKey ?? ""));
    }
  }
  return objectOf(members);
}

function retained(value: JsonObject, patch: JsonObject): readonly (readonly [string, Json])[] {
  const keys = member(patch, RETAIN_KEYS);
  if (keys === undefined) return entriesOf(value);
  if (!isList(keys)) throw StatusError.badRequest("$retainKeys must be a list");
  return entriesOf(value).filter(([key]) => keys.includes(key));
}

function deleteValues(members: Map<string, Json>, key: string, values: Json): void {
  const list = members.get(key);
  if (!isList(values)) throw StatusError.badRequest(`${DELETE_VALUES}${key} must be a list`);
  if (!isList(list)) return;
  const gone = new Set(values.map(identityOf));
  members.set(
    key,
    list.filter((item) => !gone.has(identityOf(item))),
  );
}

function mergeMember(value: Json | undefined, change: Json, schema: Schema | undefined, order: Json | undefined): Json | undefined {
  if (isObject(change)) {
    if (member(change, DIRECTIVE) === "delete") return undefined;
    return mergeMap(isObject(value) ? value : {}, change, schema);
  }
  if (!isList(change)) return change;
  if (schema?.patchMergeKey === undefined) return change.map((item) => (isObject(item) ? plain(item) : item));
  const list = isList(value) ? value : [];
  const merged = schema.patchMergeKey === "" ? mergeValues(list, change) : mergeItems(list, change, schema, schema.patchMergeKey);
  return isList(order) ? ordered(merged, order, schema.patchMergeKey) : merged;
}

function mergeValues(list: readonly Json[], change: readonly Json[]): readonly Json[] {
  const present = new Set(list.map(identityOf));
  return [...list, ...change.filter((item) => !present.has(identityOf(item)))];
}

function mergeItems(list: readonly Json[], change: readonly Json[], schema: Schema, key: string): readonly Json[] {
  const replaces = change.some((item) => isObject(item) && member(item, DIRECTIVE) === "replace" && member(item, key) === undefined);
  // By merge key, in their order. What has none, or one that came before, keeps its place under its index.
  const merged = new Map<string | number, Json>();
  const repeated = new Map<string, number[]>();
  for (const [index, item] of (replaces ? [] : list).entries()) {
    const own = member(item, key);
    const identity = own === undefined ? index : identityOf(own);
    if (typeof identity === "string" && merged.has(identity)) {
      const indexes = repeated.get(identity) ?? [];
      indexes.push(index);
      repeated.set(identity, indexes);
    }
    merged.set(merged.has(identity) ? index : identity, item);
  }
  for (const item of change) {
    if (!isObject(item)) throw StatusError.badRequest("the items of this list must be objects");
    const directive = member(item, DIRECTIVE);
    const value = member(item, key);
    if (value === undefined) {
      if (directive === "replace") continue;
      throw StatusError.badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const identity = identityOf(value);
    const before = merged.get(identity);
    if (directive === "delete") for (const gone of [identity, ...(repeated.get(identity) ?? [])]) merged.delete(gone);
    else if (directive === "replace") merged.set(identity, plain(item));
    else merged.set(identity, mergeMap(isObject(before) ? before : {}, item, schema.items));
  }
  return [...merged.values()];
}

function ordered(list: readonly Json[], order: readonly Json[], key: string): readonly Json[] {
  const keyOf = (item: Json): string => identityOf((key === "" ? item : member(item, key)) ?? null);
  const ranks = new Map<string, number>();
  for (const [rank, wanted] of order.entries()) if (!ranks.has(keyOf(wanted))) ranks.set(keyOf(wanted), rank);
  return inOrder(list, (item) => ranks.get(keyOf(item)) ?? -1);
}

/** Without directives. */
function plain(value: JsonObject): JsonObject {
  return objectOf(
    entriesOf(value)
      .filter(
        ([key, item]) =>
          key !== DIRECTIVE && key !== RETAIN_KEYS && !key.startsWith(ORDER) && !key.startsWith(DELETE_VALUES) && item !== null,
      )
      .map(([key, item]): [string, Json] => [key, plainValue(item)]),
  );
}

function plainValue(value: Json): Json {
  if (isObject(value)) return plain(value);
  return isList(value) ? value.map(plainValue) : value;
}
