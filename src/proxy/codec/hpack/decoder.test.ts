import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { HpackDecoder } from "./decoder.ts";

type Pair = [name: string, value: string];

function decode(decoder: HpackDecoder, hex: string): Pair[] | string {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const pairs: Pair[] = [];
  const error = decoder.decode(bytes, 0, bytes.length, { onField: (field) => void pairs.push([field.name, field.value]) });
  return error ?? pairs;
}

const REQUESTS: Pair[][] = [
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];
const DATE = "Mon, 21 Oct 2013 20:13:21 GMT";
const RESPONSES: Pair[][] = [
  [
    [":status", "302"],
    ["cache-control", "private"],
    ["date", DATE],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "307"],
    ["cache-control", "private"],
    ["date", DATE],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "200"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
    ["location", "https://www.example.com"],
    ["content-encoding", "gzip"],
    ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ],
];

function checkBlocks(blocks: string[], expected: Pair[][], sizes: number[], maxSize: number): void {
  const decoder = new HpackDecoder();
  decoder.setMaxTableSize(maxSize);
  // The examples of responses assume a table of 256 bytes from the start, which a block has to say.
  if (maxSize < 4096) blocks = [`3f e1 01 ${blocks[0]!}`, ...blocks.slice(1)];
  blocks.forEach((block, i) => {
    assert.deepEqual(decode(decoder, block), expected[i]);
    assert.equal(decoder.tableSize, sizes[i]);
  });
}

test("decodes the fields of RFC 7541 C.2", () => {
  for (const [hex, pair, size] of [
    ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key", "custom-header"], 55],
    ["040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"], 0],
    ["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"], 0],
    ["82", [":method", "GET"], 0],
  ] as const) {
    const decoder = new HpackDecoder();
    assert.deepEqual(decode(decoder, hex), [pair]);
    assert.equal(decoder.tableSize, size);
  }
});

test("says which fields must never be indexed", () => {
  const bytes = Buffer.from("1008 7061 7373 776f 7264 0673 6563 7265 7482".replaceAll(" ", ""), "hex");
  const marks: boolean[] = [];
  new HpackDecoder().decode(bytes, 0, bytes.length, { onField: (_, neverIndexed) => void marks.push(neverIndexed) });
  assert.deepEqual(marks, [true, false]);
});

test("decodes the requests of RFC 7541 C.3 and C.4", () => {
  const plain = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const huffman = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  checkBlocks(plain, REQUESTS, [57, 110, 164], 4096);
  checkBlocks(huffman, REQUESTS, [57, 110, 164], 4096);
});

test("decodes the responses of RFC 7541 C.5 and C.6, where entries are evicted", () => {
  const plain = [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
  ];
  const huffman = [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
  ];
  checkBlocks(plain, RESPONSES, [222, 222, 215], 256);
  checkBlocks(huffman, RESPONSES, [222, 222, 215], 256);
});

test("refuses what is no header block", () => {
  for (const [hex, error] of [
    ["80", "an index points behind the tables"],
    ["be", "an index points behind the tables"],
    ["7f", "the block ends within a field"],
    ["ff", "the block ends within a field"],
    ["ffffffffffff01", "an integer is too large"],
    ["ff8080808080808000", "an integer is too large"],
    ["40", "the block ends within a field"],
    ["4005 6162", "the block ends within a field"],
    ["4001 61ff ffff ff07 61", "the block ends within a field"],
    ["4081 00", "a string is not a Huffman code"],
    ["3fe21f", "a table size update is larger than the setting"],
    ["8220", "a table size update stands behind a field"],
    ["0f", "the block ends within a field"],
    ["7e 01 61", "an index points behind the tables"],
  ] as const) {
    assert.equal(decode(new HpackDecoder(), hex), error, hex);
  }
});

test("every beginning of a block decodes to fewer fields or is refused", () => {
  const block = "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff 5886 a8eb 1064 9cbf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf";
  const bytes = Buffer.from(block.replaceAll(" ", ""), "hex");
  const whole = decode(new HpackDecoder(), block);
  for (let end = 0; end < bytes.length; end++) {
    const part = decode(new HpackDecoder(), bytes.subarray(0, end).toString("hex"));
    if (typeof part === "string") assert.equal(part, "the block ends within a field");
    else assert.deepEqual(part, whole.slice(0, part.length));
  }
});

test("wants to be told of a table that we made smaller", () => {
  const decoder = new HpackDecoder();
  assert.deepEqual(decode(decoder, "4001 6101 62"), [["a", "b"]]);
  decoder.setMaxTableSize(0);
  assert.equal(decode(decoder, "be"), "the table size was lowered and the block does not say so");
  const other = new HpackDecoder();
  other.setMaxTableSize(100);
  other.setMaxTableSize(4096);
  assert.equal(decode(other, "82"), "the table size was lowered and the block does not say so");
  assert.deepEqual(decode(other, "3f 45 3f e1 1f 82"), [[":method", "GET"]]);
});

test("an entry larger than the table empties it", () => {
  const decoder = new HpackDecoder();
  decode(decoder, "4001 6101 62");
  decode(decoder, "3f 09"); // 40 bytes
  assert.equal(decoder.tableSize, 34);
  const long = `40 01 61 14 ${"62".repeat(20)}`;
  assert.deepEqual(decode(decoder, long), [["a", "b".repeat(20)]]);
  assert.equal(decoder.tableSize, 0);
  assert.equal(decode(decoder, "be"), "an index points behind the tables");
});

test("random bytes give fields or an error, and a table within its bound", () => {
  const decoder = { current: new HpackDecoder() };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
      const bytes = Buffer.from(block);
      let fields = 0;
      const error = decoder.current.decode(bytes, 0, bytes.length, { onField: () => void fields++ });
      assert.ok(fields <= bytes.length);
      assert.ok(decoder.current.tableSize <= 4096);
      if (error !== undefined) decoder.current = new HpackDecoder();
    }),
    { numRuns: 2000 },
  );
});
