import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { DataSourceSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { readDataSource } from "./data-source.ts";

test("environment_variable holds the text itself, and must be set", () => {
  const name = "MIZZEN_TEST_DATA_SOURCE";
  const source = create(DataSourceSchema, { specifier: { case: "environmentVariable", value: name } });
  const refused: string[] = [];
  const read = (): string | undefined => readDataSource(source, "trusted_ca", (path, message) => refused.push(`${path}: ${message}`));
  env[name] = "text";
  try {
    assert.equal(read(), "text");
    assert.deepEqual(refused, []);
  } finally {
    delete env[name];
  }
  assert.equal(read(), undefined);
  assert.deepEqual(refused, [`trusted_ca.environment_variable: ${name} is not set`]);
});
