// Section `validate/crds`: the CustomResourceDefinitions that are printed, field by field against Istio's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { customResourceDefinitions } from "#api/custom-resource-definition";
import type { SectionResult } from "../run.ts";

interface Schema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: unknown;
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns?: readonly { readonly name: string; readonly jsonPath: string; readonly type: string }[];
    }[];
  };
}

const exceptions: Readonly<Record<string, string>> = {};

export async function run(corpusRoot: string): Promise<SectionResult> {
  const text = readFileSync(join(corpusRoot, "validate/cel/crd-all.gen.yaml"), "utf8");
  const theirs = parseAllDocuments(text, { logLevel: "silent" })
    .map((document) => document.toJS({ maxAliasCount: -1 }) as Definition | null)
    .filter((definition) => definition !== null);
  const ours = new Map((customResourceDefinitions() as unknown as readonly Definition[]).map((one) => [one.metadata.name, one]));
  const failures: { id: string; why: string }[] = [];
  for (const definition of theirs) {
    const { name } = definition.metadata;
    const own = ours.get(name);
    const differences = own === undefined ? ["is not printed"] : compare(definition, own);
    for (const why of differences) if (!Object.hasOwn(exceptions, `${name} ${why}`)) failures.push({ id: name, why });
  }
  const failed = new Set(failures.map(({ id }) => id));
  return { passed: theirs.length - failed.size, total: theirs.length, failures };
}

function compare(their: Definition, own: Definition): readonly string[] {
  const differences: string[] = [];
  const same = (what: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b)))
      differences.push(`${what}: ${JSON.stringify(a)} there, ${JSON.stringify(b)} here`);
  };
  same("names", their.spec.names, own.spec.names);
  same("scope", their.spec.scope, own.spec.scope);
  const versions = ({ spec }: Definition): unknown =>
    new Set(spec.versions.map(({ name, served, storage }) => `${name} ${served} ${storage}`));
  same("versions", versions(their), versions(own));
  const columns = ({ spec }: Definition): unknown =>
    (spec.versions[0]?.additionalPrinterColumns ?? []).map(({ name, jsonPath, type }) => [name, jsonPath, type]);
  same("columns", columns(their), columns(own));
  const schema = ({ spec }: Definition): Schema => spec.versions[0]?.schema.openAPIV3Schema ?? {};
  same("required", schema(their)["required"], schema(own)["required"]);
  compareSchema("spec", schema(their).properties?.["spec"] ?? {}, schema(own).properties?.["spec"] ?? {}, differences);
  return differences;
}

const keywords = [
  "type",
  "format",
  "nullable",
  "enum",
  "required",
  "minLength",
  "maxLength",
  "pattern",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "oneOf",
  "allOf",
  "x-kubernetes-validations",
  "x-kubernetes-preserve-unknown-fields",
];

function compareSchema(path: string, their: Schema, own: Schema, differences: string[]): void {
  for (const keyword of keywords) {
    const [a, b] = [normal(keyword, their[keyword]), normal(keyword, own[keyword])];
    if (a !== b) differences.push(`${path} ${keyword}: ${a} there, ${b} here`);
  }
  for (const name of new Set([...Object.keys(their.properties ?? {}), ...Object.keys(own.properties ?? {})])) {
    const [a, b] = [their.properties?.[name], own.properties?.[name]];
    if (a === undefined || b === undefined) differences.push(`${path}.${name} is ${a === undefined ? "not there" : "not here"}`);
    else compareSchema(`${path}.${name}`, a, b, differences);
  }
  for (const key of ["items", "additionalProperties"] as const) {
    const [a, b] = [their[key], own[key]];
    if (a !== undefined && b !== undefined) compareSchema(`${path}[]`, a, b, differences);
    else if (a !== b) differences.push(`${path} ${key}: ${a === undefined ? "not there" : "not here"}`);
  }
}

/** Order and spaces mean nothing. */
function normal(keyword: string, value: unknown): string {
  if (keyword === "x-kubernetes-validations") {
    const rules = (value as readonly { readonly rule: string; readonly message: string }[] | undefined) ?? [];
    return JSON.stringify(rules.map(({ rule }) => oneForm(rule)).toSorted((a, b) => (a < b ? -1 : 1)));
  }
  return JSON.stringify(sorted(value)) ?? "nothing";
}

function oneForm(rule: string): string {
  const spaced = rule.replaceAll(/\s+/gu, " ");
  return spaced.replaceAll(
    /\[("[^\]]*")\]/gu,
    (_, items: string) =>
      `[${items
        .split(", ")
        .toSorted((a, b) => (a < b ? -1 : 1))
        .join(", ")}]`,
  );
}

function sorted(value: unknown): unknown {
  if (value instanceof Set) return sorted([...value]);
  if (Array.isArray(value))
    return value.every((part) => typeof part === "string") ? (value as string[]).toSorted((a, b) => (a < b ? -1 : 1)) : value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
