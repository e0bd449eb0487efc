// Single changes of a recorded resource, each of which means something else to a proxy. What means nothing (the order of a set, two equal
// neighbours, an empty message that says nothing) is never made.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Random } from "#runtime/random";
import { saysNothing } from "./compare.ts";
import { canonical, memberKeys, textOf } from "./list-meaning.ts";

export interface Mutation {
  /** What was done, and where. */
  readonly what: string;
  readonly resource: JsonObject;
}

type Step = string | number;

interface Site {
  readonly path: readonly Step[];
  readonly change: "drop" | "alter" | "swap";
}

/** Every place of a resource where one thing can be changed. */
export function mutationSites(resource: JsonObject): readonly Site[] {
  const sites: Site[] = [];
  collect(resource, [], sites);
  return sites;
}

/** The resource with one place changed. */
export function mutate(resource: JsonObject, site: Site, random: Random): Mutation {
  const changed = structuredClone(resource);
  const last = site.path[site.path.length - 1] ?? "";
  const parent = site.path.slice(0, -1).reduce<JsonValue>((at, step) => memberOf(at, step), changed) as JsonObject & JsonValue[];
  const value = memberOf(parent, last);
  if (site.change === "drop") {
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete (parent as JsonObject)[last];
  } else if (site.change === "swap") {
    const index = Number(last);
    [parent[index], parent[index + 1]] = [parent[index + 1] as JsonValue, parent[index] as JsonValue];
  } else (parent as JsonObject)[last] = altered(value, random);
  return { what: `${site.change} ${site.path.join(".")}`, resource: changed };
}

function memberOf(value: JsonValue, step: Step): JsonValue {
  return (value as Readonly<Record<Step, JsonValue>>)[step] as JsonValue;
}

function collect(value: JsonValue, path: readonly Step[], sites: Site[]): void {
  const field = path.findLast((step) => typeof step === "string") ?? "";
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      sites.push({ path: [...path, index], change: "drop" });
      const next = value[index + 1];
      if (memberKeys(field) === undefined && next !== undefined && canonical(member) !== canonical(next)) {
        sites.push({ path: [...path, index], change: "swap" });
      }
      collect(member, [...path, index], sites);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      // A resource without its name is another resource; that is checked where resources are paired.
      if (path.length === 0 && (name === "name" || name === "clusterName")) continue;
      if (!saysNothing(name, member)) sites.push({ path: [...path, name], change: "drop" });
      collect(member, [...path, name], sites);
    }
  } else sites.push({ path, change: "alter" });
}

function altered(value: JsonValue, random: Random): JsonValue {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 1 + random.integer(9);
  const text = textOf(value);
  const duration = /^(\d+)(?:\.\d+)?s$/.exec(text);
  if (duration !== null) return `${Number(duration[1]) + 1 + random.integer(9)}s`;
  const at = random.integer(text.length + 1);
  return `${text.slice(0, at)}x${text.slice(at)}`;
}
