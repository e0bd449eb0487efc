// Every honoured row names a test, and that test speaks of the field.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import { messageNamed } from "./bases.ts";
import { faultOfProof } from "./proofs.ts";

test("the test that a row names is there and speaks of the row's field", () => {
  const faults: string[] = [];
  for (const [type, rows] of HONOURED_FIELDS) {
    for (const field of messageNamed(type).fields) {
      const row = rows.get(field.name);
      const fault = row === undefined ? undefined : faultOfProof(type, field, row);
      if (fault !== undefined) faults.push(`${type}.${field.name}: ${fault}`);
    }
  }
  assert.deepEqual(faults, []);
});
