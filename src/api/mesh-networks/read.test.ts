import assert from "node:assert/strict";
import { test } from "node:test";
import { findingText } from "#api/finding";
import { readMeshNetworks } from "./read.ts";

test("networks stand at the top of the file", () => {
  const { spec, findings } = readMeshNetworks(
    "networks:\n  a:\n    endpoints:\n    - fromRegistry: b\n    gateways:\n    - address: 1.2.3.4\n      port: 443\n",
    "n.yaml",
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(spec, { networks: { a: { endpoints: [{ fromRegistry: "b" }], gateways: [{ address: "1.2.3.4", port: 443 }] } } });
  assert.deepEqual(readMeshNetworks("# nothing\n", "n.yaml"), { spec: {}, findings: [] });
});

test("what is wrong has a place", () => {
  const said = (text: string): readonly string[] => readMeshNetworks(text, "n.yaml").findings.map(findingText);
  assert.match(said("networks:\n  a:\n    endpoint: []\n").join(), /^n\.yaml:3:5: error MZ0002 .*unknown field "endpoint"/u);
  assert.match(said("networks: [\n").join(), /^n\.yaml:\d+:\d+: error MZ0001/u);
  assert.match(said("networks:\n  a:\n    gateways:\n    - address: 1.2.3.4\n      port: 70000\n").join(), /^n\.yaml:5:\d+: error/u);
});
