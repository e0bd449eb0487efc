// How the items of a list are told apart: by keys, by their value, or not at all (an atomic list).
import { entriesOf, isObject, member, objectOf, type Json } from "#control-plane/api-server/json";
import type { Schema } from "#control-plane/api-server/schema/schema";

/** The steps of the list's items; undefined for an atomic list, and for one whose items cannot be told apart. */
export function itemSteps(list: readonly Json[], schema: Schema | undefined): readonly string[] | undefined {
  const merge = schema?.merge;
  if (merge === undefined || merge === "atomic") return undefined;
  const steps: string[] = [];
  for (const item of list) {
    const step = merge === "set" ? `v:${JSON.stringify(item)}` : keyStep(item, merge.keys, merge.defaults ?? {});
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return new Set(steps).size === steps.length ? steps : undefined;
}

function keyStep(item: Json, keys: readonly string[], defaults: Readonly<Record<string, string>>): string | undefined {
  const values: [string, Json][] = [];
  for (const key of [...keys].sort()) {
    const value = member(item, key) ?? defaults[key];
    if (value === undefined || isObject(value)) return undefined;
    values.push([key, value]);
  }
  return `k:${JSON.stringify(objectOf(values))}`;
}

/** Objects whose members are owned one by one. */
export function isGranular(value: Json, schema: Schema | undefined): boolean {
  return isObject(value) && schema?.merge !== "atomic" && entriesOf(value).length > 0;
}
