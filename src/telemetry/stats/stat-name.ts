// The name of a statistic in its two forms: dotted, and split into a plain name and tags.
import type { NamePart } from "./store.ts";

export function dottedName(parts: readonly NamePart[]): string {
  let name = "";
  for (const part of parts) {
    const text = typeof part === "string" ? part : part.value;
    name += name === "" ? text : `.${text}`;
  }
  return name;
}
