// Finding things in a document's tree: members, texts, and where a path or the text within a text stands.
import { camelName } from "./decode.ts";
import type { FieldPath } from "./field-path.ts";
import type { Place } from "./finding.ts";
import type { SourceMap, SourceNode, SourceScalar } from "./yaml-node.ts";
import type { SourceDocument } from "./yaml-source.ts";

export function entry(map: SourceMap, key: string): SourceNode | undefined {
  return map.entries.find((candidate) => candidate.key === key)?.value;
}

export function textAt(node: SourceNode | undefined, ...keys: readonly string[]): string | undefined {
  let at = node;
  for (const key of keys) at = at?.kind === "map" ? entry(at, key) : undefined;
  return at?.kind === "scalar" && typeof at.value === "string" ? at.value : undefined;
}

/** Where a path leads, as far as it was written; snake_case is found by its lowerCamel name. */
export function offsetIn(root: SourceNode, path: FieldPath): number {
  let node = root;
  let offset = root.offset;
  for (const part of path) {
    let next: SourceNode | undefined;
    if (typeof part === "number") next = node.kind === "list" ? node.items[part] : undefined;
    else if (node.kind === "map") next = entry(node, part) ?? aliased(node, part);
    if (next === undefined) break;
    node = next;
    offset = next.offset;
  }
  return offset;
}

function aliased(map: SourceMap, name: string): SourceNode | undefined {
  return map.entries.find((candidate) => camelName(candidate.key) === name)?.value;
}

/** A literal block's lines stand below its header, indented; other scalars have no lines of their own. */
export function innerPlace(outer: SourceDocument, scalar: SourceScalar, inner: SourceDocument): (offset: number) => Place {
  const start = outer.place(scalar.offset);
  if (scalar.block === undefined) return () => start;
  const lines = outer.text.slice(scalar.offset).split("\n").slice(1);
  const indent = Math.max(0, lines.find((line) => line.trim() !== "")?.search(/\S/u) ?? 0);
  return (offset) => {
    const place = inner.place(offset);
    return { file: start.file, line: start.line + place.line, column: place.column + indent };
  };
}

export function innerOffset(inner: SourceDocument, place: Place): number {
  let offset = 0;
  for (let line = inner.startLine; line < place.line; line++) offset = inner.text.indexOf("\n", offset) + 1;
  return offset + place.column - 1;
}
