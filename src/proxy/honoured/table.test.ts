import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry } from "@bufbuild/protobuf";
import type { DescFile } from "@bufbuild/protobuf";
import { file_envoy_config_bootstrap_v3_bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { configRegistry } from "#envoy/config-registry";
import { HONOURED_FIELDS } from "./table.ts";

function withImports(file: DescFile, into: Set<DescFile>): void {
  if (into.has(file)) return;
  into.add(file);
  for (const imported of file.dependencies) withImports(imported, into);
}

const files = new Set<DescFile>();
for (const { file } of configRegistry) withImports(file, files);
withImports(file_envoy_config_bootstrap_v3_bootstrap, files);
const registry = createRegistry(...files);

test("every name in the table is a message or a field of Envoy's API", () => {
  for (const [type, fields] of HONOURED_FIELDS) {
    const message = registry.getMessage(type);
    assert.ok(message !== undefined, type);
    const names = new Set(message.fields.map(({ name }) => name));
    for (const field of fields.keys()) assert.ok(names.has(field), `${type}.${field}`);
  }
});
