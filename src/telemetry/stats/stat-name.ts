// The name of a statistic in its two forms: dotted, and split into a plain name and tags.
import type { NamePart } from "./store.ts";

export function dottedName(parts: readonly NamePart[]): string {
  let name = "";
  for (const part of parts) {
    const text = typeof part === "string" ? part : "dotted" in part ? part.dotted : part.value;
    name += name === "" ? text : `.${text}`;
  }
  return name;
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
