// Section `validate/api-server`: the documents of validate/cel against the printed CustomResourceDefinitions, schema and CEL rules.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { decode } from "#api/decode";
import { json } from "#api/declaration";
import { readYaml } from "#api/yaml-source";
import { customResourceDefinitions } from "#api/custom-resource-definition";
import type { SectionResult } from "../run.ts";
import { celRules, violations, type Schema } from "./api-server.ts";

interface Case {
  readonly id: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly valid: boolean;
  readonly file: string;
  readonly doc: number;
}

/** As kubectl reads the file. */
function specOf(file: string, doc: number): unknown {
  const root = readYaml(readFileSync(file, "utf8"), file)[doc]?.root;
  const spec = root?.kind === "map" ? root.entries.find(({ key }) => key === "spec")?.value : undefined;
  return spec === undefined ? {} : decode(json.shape, spec, [], () => undefined);
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: Schema } } };
    }[];
  };
}

export function run(corpusRoot: string): Promise<SectionResult> {
  const cases = JSON.parse(readFileSync(join(corpusRoot, "validate/cel/cases.json"), "utf8")) as readonly Case[];
  const rules = celRules();
  // As they are printed.
  const text = customResourceDefinitions()
    .map((definition) => JSON.stringify(definition))
    .join("\n---\n");
  const definitions = parseAllDocuments(text).map((document) => document.toJS() as Definition);
  const failures: { id: string; why: string }[] = [];
  for (const { id, apiVersion, kind, valid, file, doc } of cases) {
    const definition = definitions.find(({ spec }) => spec.names.kind === kind && apiVersion.startsWith(`${spec.group}/`));
    const version = definition?.spec.versions.find(({ name }) => apiVersion.endsWith(`/${name}`));
    if (version === undefined) {
      failures.push({ id, why: `${kind} of ${apiVersion} is not printed` });
      continue;
    }
    const found = violations(version.schema.openAPIV3Schema.properties.spec, specOf(join(corpusRoot, "validate", file), doc), rules);
    if (valid && found.length > 0) failures.push({ id, why: found.join("; ") });
    else if (!valid && found.length === 0) failures.push({ id, why: "accepted, though it is invalid" });
  }
  return Promise.resolve({ passed: cases.length - failures.length, total: cases.length, failures });
}
