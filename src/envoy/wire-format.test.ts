import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { lengthDelimitedTag, varint } from "./wire-format.ts";

test("what is written is read back by the protobuf library", () => {
  for (const value of [0, 1, 127, 128, 300, 16_383, 16_384, 2 ** 31 - 1]) {
    assert.equal(new BinaryReader(varint(value)).uint32(), value);
  }
  assert.deepEqual(new BinaryReader(varint(lengthDelimitedTag(16))).tag(), [16, 2]);
});
