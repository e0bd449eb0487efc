import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { HpackDecoder } from "./decoder.ts";
import { BEGIN_BOUND, HpackEncoder, encodedBound } from "./encoder.ts";

type Pair = [name: string, value: string];

function encode(encoder: HpackEncoder, pairs: readonly Pair[], neverIndexed = false): Buffer {
  const out = Buffer.alloc(pairs.reduce((sum, [name, value]) => sum + encodedBound(name, value), BEGIN_BOUND));
  let at = encoder.begin(out, 0);
  for (const [name, value] of pairs) at = encoder.field(name, value, neverIndexed, out, at);
  assert.ok(at <= out.length, "within the bound");
  return out.subarray(0, at);
}

function decode(decoder: HpackDecoder, bytes: Buffer): Pair[] {
  const pairs: Pair[] = [];
  assert.equal(decoder.decode(bytes, 0, bytes.length, { onField: (field) => void pairs.push([field.name, field.value]) }), undefined);
  return pairs;
}

const REQUEST: Pair[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/a"],
  [":authority", "a.example"],
  ["user-agent", "curl/8"],
  ["x-own", "1"],
];

test("a head that repeats costs one byte a field", () => {
  const encoder = new HpackEncoder();
  encode(encoder, REQUEST);
  assert.equal(encode(encoder, REQUEST).length, REQUEST.length);
});

test("values that never come again do not enter the table, but for the first", () => {
  const encoder = new HpackEncoder();
  for (let id = 0; id < 100; id++) encode(encoder, [["x-request-id", `id-${id}`]]);
  assert.equal(encoder.tableSize, "x-request-id".length + "id-0".length + 32);
});

test("several values of a name that take turns are all indexed", () => {
  const encoder = new HpackEncoder();
  const cookies: Pair[] = ["a=1", "b=2", "c=3"].map((value) => ["cookie", value]);
  encode(encoder, cookies);
  encode(encoder, cookies);
  assert.equal(encode(encoder, cookies).length, 3);
});

test("what is sensitive goes as never indexed and enters no table", () => {
  const encoder = new HpackEncoder();
  assert.equal(encode(encoder, [["authorization", "Basic eA=="]])[0]! & 0xf0, 0x10);
  assert.equal(encode(encoder, [["x-password", "b"]], true)[0]! & 0xf0, 0x10);
  assert.equal(encoder.tableSize, 0);
});

test("names become lower case, and those to omit are left out", () => {
  const encoder = new HpackEncoder(new Set(["connection"]));
  const block = encode(encoder, [
    ["Content-Type", "a/b"],
    ["Connection", "close"],
    ["X-A", "b"],
  ]);
  assert.deepEqual(decode(new HpackDecoder(), block), [
    ["content-type", "a/b"],
    ["x-a", "b"],
  ]);
});

test("tells of a smaller table at the next block, and of the smallest in between", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  decode(decoder, encode(encoder, REQUEST));
  encoder.setMaxTableSize(0);
  encoder.setMaxTableSize(100);
  decoder.setMaxTableSize(100);
  const block = encode(encoder, REQUEST);
  assert.equal(block[0], 0x20);
  assert.deepEqual(decode(decoder, block), REQUEST);
  assert.ok(encoder.tableSize <= 100);
  assert.equal(decoder.tableSize, encoder.tableSize);
});

test("names without end do not make it grow", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  for (let i = 0; i < 2000; i++) {
    const pairs: Pair[] = [[`x-${i}`, `${i}`]];
    assert.deepEqual(decode(decoder, encode(encoder, pairs)), pairs);
  }
  assert.ok(encoder.tableSize <= 4096);
  assert.equal(decoder.tableSize, encoder.tableSize);
});

test("any blocks, with tables of changing size, come out as they went in", () => {
  const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  const name = fc.oneof(
    fc.constantFrom(":path", "accept", "x-a", "x-b", "cookie"),
    fc.string({ minLength: 1, maxLength: 40 }).map((text) => latin1(Buffer.from(text)).toLowerCase()),
  );
  const value = fc.oneof(fc.constantFrom("", "a", "b", "c"), fc.uint8Array({ maxLength: 700 }).map(latin1));
  const step = fc.oneof(fc.array(fc.tuple(name, value), { maxLength: 12 }), fc.integer({ min: 0, max: 4096 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const entry of steps) {
        if (typeof entry === "number") {
          encoder.setMaxTableSize(entry);
          decoder.setMaxTableSize(entry);
        } else {
          assert.deepEqual(decode(decoder, encode(encoder, entry)), entry);
          assert.equal(decoder.tableSize, encoder.tableSize);
        }
      }
    }),
  );
});
