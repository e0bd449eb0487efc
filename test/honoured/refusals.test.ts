// Whatever this proxy does not act on is refused by resource and field path: walked along the descriptors of Envoy's API.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary, ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { ConfigError } from "#proxy/config-error";
import { COMPILERS } from "#proxy/data-plane/composition";
import { resourceChecks } from "#proxy/data-plane/resource-checks";
import { checkFields, Violations } from "#proxy/field-check";
import { HONOURED_FIELDS, WHOLE_MESSAGES } from "#proxy/honoured/table";
import type { ResourceKind } from "./base.ts";
import { BASES, messageNamed } from "./bases.ts";
import { encode, SCHEMAS } from "./compiler.ts";
import { Mutations } from "./mutations.ts";
import type { Instance } from "./mutations.ts";
import { isLeaf, messageOf } from "./places.ts";

const ROOTS = Object.values(SCHEMAS);
const checks = resourceChecks(
  COMPILERS,
  { reserve: () => {} },
  {
    ads: true,
    clusters: { has: () => true },
    secrets: { has: () => true },
    clusterManager: { localCluster: undefined, upstreamBindConfig: undefined, outlierEventLog: undefined },
  },
);

/** What an xDS server is told. */
function problems(kind: ResourceKind, json: JsonObject): { readonly path: string; readonly message: string }[] {
  const bytes = encode(kind, json);
  try {
    switch (kind) {
      case "bootstrap": {
        const found = new Violations();
        checkFields(SCHEMAS.bootstrap, fromBinary(SCHEMAS.bootstrap, bytes), "", found);
        found.throwIfAny("bootstrap");
        break;
      }
      case "cluster":
        checks.cluster(bytes);
        break;
      case "endpoints":
        checks.assignment(bytes);
        break;
      case "listener":
        checks.listener(bytes, new Set());
        break;
      case "routes":
        checks.route(bytes);
        break;
      case "secret":
        checks.secret(bytes, "s");
    }
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.violations];
    throw error;
  }
}

test("every configuration to start from is accepted", () => {
  for (const { kind, json } of BASES) assert.deepEqual(problems(kind, json), [], JSON.stringify(json));
});

test("every message that an honoured field may hold is in the table, and every message in the table can be reached", () => {
  const reached = new Set<string>();
  const reach = (desc: DescMessage): void => {
    if (reached.has(desc.typeName) || isLeaf(desc) || WHOLE_MESSAGES.has(desc.typeName)) return;
    reached.add(desc.typeName);
    for (const field of desc.fields) {
      const row = HONOURED_FIELDS.get(desc.typeName)?.get(field.name);
      const type = messageOf(field);
      if (row === undefined || type === undefined) continue;
      if (row.kind === "honoured" || HONOURED_FIELDS.has(type.typeName)) reach(type);
    }
  };
  for (const root of ROOTS) reach(root);
  // Whatever may be packed in an Any.
  for (const type of HONOURED_FIELDS.keys()) if (configRegistry.getMessage(type) !== undefined) reach(messageNamed(type));
  const missing = [...reached].filter((type) => !HONOURED_FIELDS.has(type) && type !== ANY && messageNamed(type).fields.length > 0);
  assert.deepEqual(missing, []);
  assert.deepEqual(
    [...HONOURED_FIELDS.keys()].filter((type) => !reached.has(type)),
    [],
  );
});

const ANY = "google.protobuf.Any";

test("every extension that some compiler unpacks is in the table", async () => {
  const types = [...COMPILERS.http, ...COMPILERS.network].flatMap((one) => [
    ...one.configTypes,
    ...("routeConfigTypes" in one ? (one.routeConfigTypes ?? []) : []),
  ]);
  for (const file of readdirSync("src/proxy", { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || /\.(test|fake)\.ts$/.test(file)) continue;
    const text = readFileSync(join("src/proxy", file), "utf8");
    for (const [, names = "", module = ""] of text.matchAll(/import \{([^}]*)\} from "#envoy\/gen\/(envoy\/extensions\/[^"]+)"/g)) {
      const exported = (await import(`#envoy/gen/${module}`)) as Readonly<Record<string, unknown>>;
      for (const name of names.matchAll(/\b\w+Schema\b/g)) types.push((exported[name[0]] as DescMessage).typeName);
    }
  }
  assert.ok(types.length > 80, `${types.length} are too few to be all`);
  assert.deepEqual([...new Set(types)].filter((type) => !HONOURED_FIELDS.has(type)).toSorted(), []);
  assert.deepEqual(
    [...new Set(types)].filter((type) => configRegistry.getMessage(type) === undefined && !isInside(type)),
    [],
  );
});

/** Messages that only stand in others need not be found by an Any. */
function isInside(type: string): boolean {
  return [...HONOURED_FIELDS.keys()].some((other) => messageNamed(other).fields.some((field) => messageOf(field)?.typeName === type));
}

test("every field without a row is refused by its path, wherever its message stands", () => {
  using mutations = new Mutations(BASES);
  let tried = 0;
  for (const [type, rows] of HONOURED_FIELDS) {
    const instances = mutations.instancesOf(type);
    for (const field of messageNamed(type).fields) {
      if (rows.has(field.name)) continue;
      assert.ok(instances.length > 0, `${type} stands in no configuration`);
      const message = withField(instances[0] as Instance, field, () => {
        const { kind, root, place } = instances[0] as Instance;
        const path = place.path === "" ? field.name : `${place.path}.${field.name}`;
        return problems(kind, root).find((problem) => problem.path === path)?.message;
      });
      assert.equal(message, "not served by this proxy", `${type}.${field.name}`);
      tried++;
    }
  }
  assert.ok(tried > 150, `${tried} are too few to be all`);
});

test("an extension that this proxy does not have is refused by name, wherever it stands", () => {
  using mutations = new Mutations(BASES);
  const accepted: string[] = [];
  for (const [type, rows] of HONOURED_FIELDS) {
    for (const field of messageNamed(type).fields) {
      if (!rows.has(field.name) || messageOf(field)?.typeName !== ANY) continue;
      for (const instance of mutations.instancesOf(type)) {
        const { kind, root, place } = instance;
        // A switched-off filter is not compiled; bootstraps are checked for fields alone here.
        if (kind === "bootstrap" || place.json["is_optional"] === true || place.json["disabled"] === true) continue;
        if (withField(instance, field, () => problems(kind, root)).length === 0) accepted.push(`${type} at ${place.path}.${field.name}`);
      }
    }
  }
  assert.deepEqual(accepted, []);
});

/** Sets the field to some value that is not its default. */
function withField<Result>({ place: { json } }: Instance, field: DescField, run: () => Result): Result {
  const taken = (field.oneof?.fields ?? [field]).map(({ name }) => [name, json[name]] as const);
  for (const [name] of taken) delete json[name];
  json[field.name] = someValue(field);
  try {
    return run();
  } finally {
    delete json[field.name];
    for (const [name, value] of taken) if (value !== undefined) json[name] = value;
  }
}

function someValue(field: DescField): JsonValue {
  if (field.fieldKind === "list") return [someItem(field)];
  return field.fieldKind === "map" ? { "1": someItem(field) } : someItem(field);
}

function someItem(field: DescField): JsonValue {
  const type = messageOf(field);
  if (type !== undefined) {
    if (type.typeName === ANY) return EMPTY;
    if (type.typeName === "google.protobuf.Duration") return "1s";
    if (type.typeName === "google.protobuf.Timestamp") return "2020-01-01T00:00:00Z";
    if (type.typeName === "google.protobuf.BoolValue") return true;
    if (type.typeName === "google.protobuf.StringValue") return "x";
    return type.typeName.endsWith("Value") && isLeaf(type) ? 1 : {};
  }
  if (field.enum !== undefined) return field.enum.values.find(({ number }) => number !== 0)?.number ?? 1;
  if (field.scalar === ScalarType.BOOL) return true;
  if (field.scalar === ScalarType.STRING) return "x";
  return field.scalar === ScalarType.BYTES ? "eHg=" : 1;
}

const EMPTY: JsonObject = { "@type": "type.googleapis.com/udpa.type.v1.TypedStruct" };
