// The name of a statistic in its two forms: dotted, and split into a plain name and tags.
import type { NamePart } from "./store.ts";

const NOTHING: readonly NamePart[] = [];

export function dottedName(parts: readonly NamePart[], further: readonly NamePart[] = NOTHING): string {
  let name = "";
  for (let i = 0; i < parts.length + further.length; i++) {
    const part = (i < parts.length ? parts[i] : further[i - parts.length]) as NamePart;
    const text = typeof part === "string" ? part : "dotted" in part ? part.dotted : part.value;
    name += name === "" ? text : `.${text}`;
  }
  return name;
}

const leaves = new Map<string, readonly NamePart[]>();
/** Envoy's names that do not come from configuration are some hundreds; what comes after these has an array of its own. */
const MAX_LEAVES = 2000;

/** The same array for every equal list of parts. */
export function sharedLeaf(parts: readonly NamePart[]): readonly NamePart[] {
  const [only] = parts;
  const key = parts.length === 1 && typeof only === "string" ? only : JSON.stringify(parts);
  const known = leaves.get(key);
  if (known !== undefined) return known;
  if (leaves.size < MAX_LEAVES) leaves.set(key, parts);
  return parts;
}

/** What is left of the name without the values of tags: the pieces of Prometheus's name. */
export function plainName(parts: readonly NamePart[]): string {
  let name = "";
  for (const part of parts) {
    const text = typeof part === "string" ? part : "plain" in part ? part.plain : undefined;
    if (text !== undefined) name += name === "" ? text : `_${text}`;
  }
  return name;
}
