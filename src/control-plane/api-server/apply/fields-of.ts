// The fields of a value, and how two values differ, as sets: what server-side apply decides by. As Kubernetes does it, lists are one
// field unless the schema says how their items are told apart; of unknown fields, maps are owned member by member.
import { entriesOf, isList, isObject, member, sameJson, type Json } from "#control-plane/api-server/json";
import { memberSchema, type Schema } from "#control-plane/api-server/schema/schema";
import { fieldSet, LEAF, NO_FIELDS, union, type FieldSet } from "./field-set.ts";
import { isGranular, itemSteps } from "./list-items.ts";

export function fieldsOf(value: Json, schema: Schema | undefined): FieldSet {
  if (isObject(value) && isGranular(value, schema)) {
    return fieldSet(
      false,
      entriesOf(value).map(([key, item]) => [`f:${key}`, memberFields(item, key, schema)] as const),
    );
  }
  if (isList(value)) {
    const steps = itemSteps(value, schema);
    if (steps !== undefined && steps.length > 0) {
      return fieldSet(
        false,
        steps.map((step, index) => [step, itemFields(value[index] ?? null, schema?.items)] as const),
      );
    }
  }
  return LEAF;
}

/** Members with names that users choose are fields of their own, beside what they hold. */
function memberFields(value: Json, key: string, schema: Schema | undefined): FieldSet {
  const fields = fieldsOf(value, memberSchema(schema, key));
  return schema?.properties?.has(key) === true ? fields : { ...fields, self: true };
}

function itemFields(item: Json, schema: Schema | undefined): FieldSet {
  const fields = isObject(item) && isGranular(item, schema) ? fieldsOf(item, schema) : NO_FIELDS;
  return { ...fields, self: true };
}

export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const SAME: Comparison = { changed: NO_FIELDS, removed: NO_FIELDS };

export function compare(before: Json | undefined, after: Json | undefined, schema: Schema | undefined): Comparison {
  if (before === undefined && after === undefined) return SAME;
  if (before === undefined) return { changed: fieldsOf(after ?? null, schema), removed: NO_FIELDS };
  if (after === undefined) return { changed: NO_FIELDS, removed: fieldsOf(before, schema) };
  if (isObject(before) && isObject(after) && schema?.merge !== "atomic") return compareMembers(before, after, schema);
  if (isList(before) && isList(after)) {
    const steps = [itemSteps(before, schema), itemSteps(after, schema)] as const;
    if (steps[0] !== undefined && steps[1] !== undefined) return compareItems(before, after, steps[0], steps[1], schema);
  }
  if (sameJson(before, after)) return SAME;
  return { changed: fieldsOf(after, schema), removed: fieldsBelow(before, schema) };
}

/** What was in a value of another form. */
function fieldsBelow(value: Json, schema: Schema | undefined): FieldSet {
  return { ...fieldsOf(value, schema), self: false };
}

function compareMembers(before: Json, after: Json, schema: Schema | undefined): Comparison {
  const parts: [string, Comparison][] = [];
  const keys = new Set([...(isObject(before) ? entriesOf(before) : []), ...(isObject(after) ? entriesOf(after) : [])].map(([key]) => key));
  for (const key of keys) {
    const [was, is] = [member(before, key), member(after, key)];
    if (was === undefined && is !== undefined) parts.push([`f:${key}`, { changed: memberFields(is, key, schema), removed: NO_FIELDS }]);
    else if (was !== undefined && is === undefined)
      parts.push([`f:${key}`, { changed: NO_FIELDS, removed: memberFields(was, key, schema) }]);
    else parts.push([`f:${key}`, compare(was, is, memberSchema(schema, key))]);
  }
  return joined(parts);
}

function compareItems(
  before: readonly Json[],
  after: readonly Json[],
  stepsBefore: readonly string[],
  stepsAfter: readonly string[],
  schema: Schema | undefined,
): Comparison {
  const was = new Map(stepsBefore.map((step, index) => [step, before[index] ?? null]));
  const is = new Map(stepsAfter.map((step, index) => [step, after[index] ?? null]));
  const parts: [string, Comparison][] = [];
  for (const [step, item] of is) {
    const old = was.get(step);
    if (old === undefined) parts.push([step, { changed: itemFields(item, schema?.items), removed: NO_FIELDS }]);
    else parts.push([step, compare(old, item, schema?.items)]);
  }
  for (const [step, item] of was) {
    if (!is.has(step)) parts.push([step, { changed: NO_FIELDS, removed: itemFields(item, schema?.items) }]);
  }
  return joined(parts);
}

function joined(parts: readonly (readonly [string, Comparison])[]): Comparison {
  return {
    changed: fieldSet(
      false,
      parts.map(([step, { changed }]) => [step, changed] as const),
    ),
    removed: fieldSet(
      false,
      parts.map(([step, { removed }]) => [step, removed] as const),
    ),
  };
}

export function allOf({ changed, removed }: Comparison): FieldSet {
  return union(changed, removed);
}
