// An applied configuration into the live object: what it says is set, what it no longer says and nobody else owns goes.
import { entriesOf, isList, isObject, objectOf, type Json } from "#control-plane/api-server/json";
import { inOrder } from "#control-plane/api-server/patch/list-order";
import { memberSchema, type Schema } from "#control-plane/api-server/schema/schema";
import { isEmpty, NO_FIELDS, type FieldSet } from "./field-set.ts";
import { itemSteps } from "./list-items.ts";

export function mergeConfiguration(live: Json | undefined, config: Json, schema: Schema | undefined): Json {
  if (isObject(live) && isObject(config) && schema?.merge !== "atomic") {
    const members = new Map(entriesOf(live));
    for (const [key, value] of entriesOf(config)) members.set(key, mergeConfiguration(members.get(key), value, memberSchema(schema, key)));
    return objectOf(members);
  }
  if (isList(live) && isList(config)) return mergeLists(live, config, schema);
  return config;
}

function mergeLists(live: readonly Json[], config: readonly Json[], schema: Schema | undefined): Json {
  const liveSteps = itemSteps(live, schema);
  const configSteps = itemSteps(config, schema);
  if (liveSteps === undefined || configSteps === undefined) return config;
  const wanted = new Map(configSteps.map((step, index) => [step, config[index] ?? null]));
  const isLive = new Set(liveSteps);
  const ranks = new Map(configSteps.map((step, index) => [step, index]));
  const stepOf = new Map<Json, string>();
  const merged: Json[] = [];
  for (const [index, step] of [...liveSteps, ...configSteps.filter((candidate) => !isLive.has(candidate))].entries()) {
    const value = wanted.get(step);
    const before = live[index];
    const item = value === undefined ? (before ?? null) : mergeConfiguration(before, value, schema?.items);
    stepOf.set(item, step);
    merged.push(item);
  }
  // Plain values are told apart by themselves; equal ones have the same step.
  return inOrder(merged, (item) => ranks.get(stepOf.get(item) ?? "") ?? -1);
}

/** The value without the fields of `gone`, but for those that somebody else owns. */
export function removeFields(value: Json, gone: FieldSet, kept: FieldSet, schema: Schema | undefined): Json {
  if (isObject(value)) {
    return objectOf(
      entriesOf(value).flatMap(([key, item]): (readonly [string, Json])[] => {
        const left = removeAt(item, `f:${key}`, gone, kept, memberSchema(schema, key));
        return left === undefined ? [] : [[key, left]];
      }),
    );
  }
  if (!isList(value)) return value;
  const steps = itemSteps(value, schema);
  if (steps === undefined) return value;
  return value.flatMap((item, index) => {
    const left = removeAt(item, steps[index] ?? "", gone, kept, schema?.items);
    return left === undefined ? [] : [left];
  });
}

function removeAt(value: Json, step: string, gone: FieldSet, kept: FieldSet, schema: Schema | undefined): Json | undefined {
  const goes = gone.children.get(step);
  if (goes === undefined) return value;
  const stays = kept.children.get(step) ?? NO_FIELDS;
  if (goes.self && isEmpty(stays)) return undefined;
  const left = removeFields(value, goes, stays, schema);
  return isHollow(left) && !isHollow(value) && !stays.self ? undefined : left;
}

function isHollow(value: Json): boolean {
  return (isObject(value) && entriesOf(value).length === 0) || (isList(value) && value.length === 0);
}
