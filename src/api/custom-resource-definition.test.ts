import assert from "node:assert/strict";
import { test } from "node:test";
import { customResourceDefinitions } from "./custom-resource-definition.ts";

// eslint-disable-next-line typescript/no-explicit-any -- walks a tree of JSON
type Json = any;

const definitions = customResourceDefinitions() as readonly Json[];

function specOf(kind: string): Json {
  const found = definitions.find((definition) => definition.spec.names.kind === kind);
  return found.spec.versions[0].schema.openAPIV3Schema.properties.spec;
}

test("each kind has one stored version and its printer columns", () => {
  assert.equal(definitions.length, 15);
  for (const { metadata, spec } of definitions) {
    assert.equal(metadata.name, `${spec.names.plural}.${spec.group}`);
    assert.equal(spec.versions.filter((version: Json) => version.storage).length, 1, metadata.name);
  }
  const telemetry = definitions.find((definition) => definition.spec.names.kind === "Telemetry");
  assert.equal(telemetry.spec.versions.find((version: Json) => version.storage).name, "v1alpha1");
});

test("limits, CEL rules, exclusive fields and other names of fields are printed", () => {
  const rule = specOf("RequestAuthentication").properties.jwtRules.items;
  assert.equal(rule.properties.jwks_uri.maxLength, 2048);
  assert.equal(rule["x-kubernetes-validations"][0].message, "only one of jwks or jwksUri can be set");
  assert.equal(rule.properties.timeout["x-kubernetes-validations"][0].rule, "duration(self) >= duration('1ms')");
  const uri = specOf("VirtualService").properties.http.items.properties.match.items.properties.uri;
  assert.deepEqual(uri.oneOf[1], { required: ["exact"] });
  assert.deepEqual(specOf("ServiceEntry").required, ["hosts"]);
  assert.equal(specOf("WasmPlugin").properties.pluginConfig["x-kubernetes-preserve-unknown-fields"], true);
});

/** What the API server asks of structural schemas: a type everywhere, but within the words of logic. */
test("the schemas are structural", () => {
  const walk = (schema: Json, path: string): void => {
    const typed = schema.type !== undefined || schema["x-kubernetes-int-or-string"] === true;
    assert.ok(typed, `${path} has no type`);
    assert.ok(schema.properties === undefined || schema.additionalProperties === undefined, path);
    for (const [name, part] of Object.entries(schema.properties ?? {})) walk(part, `${path}.${name}`);
    if (schema.items !== undefined) walk(schema.items, `${path}[]`);
    if (schema.additionalProperties !== undefined) walk(schema.additionalProperties, `${path}{}`);
  };
  for (const definition of definitions) walk(specOf(definition.spec.names.kind), definition.spec.names.kind);
});
