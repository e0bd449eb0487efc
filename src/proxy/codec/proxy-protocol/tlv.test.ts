import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readTlvs, writeTlvs } from "./tlv.ts";

test("what is written is read again", () => {
  const tlv = fc.record({ type: fc.nat(255), value: fc.uint8Array({ maxLength: 300 }) }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(tlv), (tlvs) => assert.deepEqual(readTlvs(Uint8Array.from(writeTlvs(tlvs))), tlvs)));
});

test("what is cut off is nothing", () => {
  const whole = writeTlvs([{ type: 0xea, value: Uint8Array.of(1, 2) }]);
  assert.deepEqual(readTlvs(new Uint8Array()), []);
  for (let length = 1; length < whole.length; length++) assert.equal(readTlvs(Uint8Array.from(whole.slice(0, length))), undefined);
});
