// `mizzen schema`: JSON schemas of the kinds, so that editors complete and check YAML.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchema, schemaOfFile } from "#api/json-schema";
import { decodedKindNames } from "#api/kinds";
import { CommandError } from "./command-error.ts";

export function schema(kind: string | undefined, options: { readonly output?: string }): void {
  const directory = options.output;
  if (kind !== undefined && directory !== undefined) throw new CommandError("name a kind, or a folder for all of them with -o", 2);
  if (directory !== undefined) writeAll(directory);
  else process.stdout.write(text(kind === undefined ? schemaOfFile() : oneOf(kind)));
}

function oneOf(kind: string): object {
  const name = decodedKindNames().find((known) => known.toLowerCase() === kind.toLowerCase());
  const found = name === undefined ? undefined : jsonSchema(name);
  if (found === undefined) throw new CommandError(`no kind ${kind}; there are ${decodedKindNames().join(", ")}`, 2);
  return found;
}

function writeAll(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of decodedKindNames()) {
    const found = jsonSchema(name);
    if (found !== undefined) writeFileSync(join(directory, `${name.toLowerCase()}.json`), text(found));
  }
  writeFileSync(join(directory, "mizzen.json"), text(schemaOfFile()));
  process.stdout.write(`${join(directory, "mizzen.json")}\n`);
}

function text(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
