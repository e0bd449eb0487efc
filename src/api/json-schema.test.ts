import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonSchema } from "./json-schema.ts";
import { decodedKindNames } from "./kinds.ts";

type Schema = { readonly [key: string]: any };

test("every decoded kind has a schema, and every field a line of documentation", () => {
  const bare: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const [name, field] of Object.entries((schema["properties"] ?? {}) as Schema)) {
      if (typeof field.description !== "string" || field.description === "" || field.description.includes("\n"))
        bare.push(`${path}.${name}`);
      visit(field as Schema, `${path}.${name}`);
    }
    for (const inner of [schema["items"], schema["additionalProperties"]]) if (typeof inner === "object") visit(inner as Schema, path);
  };
  for (const kind of decodedKindNames()) {
    const spec = jsonSchema(kind)?.["properties"] as Schema | undefined;
    assert.ok(spec !== undefined);
    const { apiVersion: _, kind: __, metadata: ___, ...body } = spec;
    visit(spec["spec"] === undefined ? { properties: body } : (spec["spec"] as Schema), kind);
  }
  assert.deepEqual(bare, []);
});

test("the schema says types, required fields, exclusive fields and what has no effect yet", () => {
  const spec = (jsonSchema("VirtualService") as Schema)["properties"].spec;
  const route = spec.properties.http.items;
  assert.equal(spec.additionalProperties, false);
  assert.equal(route.properties.timeout.format, "duration");
  assert.match(route.properties.fault.properties.delay.properties.exponentialDelay.description, /no effect yet/u);
  assert.deepEqual(route.properties.mirror.required, ["host"]);
  assert.deepEqual(route.properties.match.items.properties.uri.allOf[0].not.anyOf[0], { required: ["exact", "prefix"] });
});

test("the schema says the limits of values", () => {
  const { listeners, gatewayClassName } = (jsonSchema("KubernetesGateway") as Schema)["properties"].spec.properties;
  assert.deepEqual([gatewayClassName.minLength, gatewayClassName.maxLength], [1, 253]);
  assert.deepEqual([listeners.minItems, listeners.maxItems, listeners.items.properties.port.maximum], [1, 64, 65_535]);
  assert.match(listeners.items.properties.name.pattern, /a-z0-9/u);
});

test("kinds that are known by name only have none", () => {
  assert.equal(jsonSchema("PersistentVolume"), undefined);
});
