// Whether the test that a row names speaks of the row's field.
import { readFileSync } from "node:fs";
import type { DescField } from "@bufbuild/protobuf";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import type { FieldRow } from "#proxy/honoured/rows";
import { messageNamed } from "./bases.ts";
import { messageOf } from "./places.ts";

/** By type the names of the fields that hold its messages. */
const holders = new Map<string, Set<string>>();
/** By name how many types have a field of that name. */
const owners = new Map<string, number>();
for (const [type, rows] of HONOURED_FIELDS) {
  for (const field of messageNamed(type).fields) {
    if (!rows.has(field.name)) continue;
    owners.set(field.name, (owners.get(field.name) ?? 0) + 1);
    const held = messageOf(field)?.typeName;
    if (held === undefined) continue;
    const names = holders.get(held) ?? new Set();
    holders.set(held, names.add(field.name).add(field.localName));
  }
}

/** Undefined: it does. */
export function faultOfProof(type: string, field: DescField, row: FieldRow): string | undefined {
  if (row.kind !== "honoured") return undefined;
  let text: string;
  try {
    text = readFileSync(row.test, "utf8");
  } catch {
    return `${row.test} does not exist`;
  }
  if (row.words !== undefined) {
    const names = [...text.matchAll(/\b(?:test|it)\(\s*(["'`])(.*?)\1,/g)].map(([, , name]) => name ?? "");
    return names.some((name) => name.includes(row.words ?? "")) ? undefined : `no test of ${row.test} is named "${row.words}"`;
  }
  return speaks(text, type, field) ? undefined : `${row.test} does not speak of it`;
}

/** By its name, which must be its alone, or stand beside that of its message or of a field that holds it: many are called "name". */
function speaks(text: string, type: string, field: DescField): boolean {
  if (!says(text, [field.name, field.localName, field.jsonName])) return false;
  if (field.name.includes("_") && owners.get(field.name) === 1) return true;
  const { file } = field.parent;
  const inFile = type.slice(file.proto.package.length + 1).replaceAll(".", "_");
  // Short names of messages are ordinary words.
  const simple = type.slice(type.lastIndexOf(".") + 1);
  return says(text, [type, ...(simple.length > 8 ? [simple] : []), `${inFile}Schema`, `${simple}Schema`, ...(holders.get(type) ?? [])]);
}

function says(text: string, words: readonly string[]): boolean {
  return words.some((word) => new RegExp(`\\b${word.replaceAll(".", "\\.")}\\b`).test(text));
}
