import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { CODES, CODE_LENGTHS } from "./huffman-code.ts";
import { decodedBound, huffmanDecode } from "./huffman-decode.ts";
import { huffmanEncode, huffmanLength } from "./huffman-encode.ts";

function encode(text: string): Buffer {
  const out = Buffer.alloc(huffmanLength(text));
  assert.equal(huffmanEncode(text, out, 0), out.length);
  return out;
}

function decode(bytes: Buffer): string | undefined {
  const out = Buffer.alloc(decodedBound(bytes.length));
  const length = huffmanDecode(bytes, 0, bytes.length, out);
  return length < 0 ? undefined : out.toString("latin1", 0, length);
}

test("the code is complete, and has the codes that the RFC lists", () => {
  assert.equal(
    CODE_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0),
    1,
  );
  // RFC 7541 appendix B, some of each length.
  const listed: [number, number, number][] = [
    [48, 0x0, 5],
    [32, 0x14, 6],
    [58, 0x5c, 7],
    [38, 0xf8, 8],
    [33, 0x3f8, 10],
    [124, 0x7fc, 11],
    [62, 0xffb, 12],
    [0, 0x1ff8, 13],
    [94, 0x3ffc, 14],
    [60, 0x7ffc, 15],
    [92, 0x7fff0, 19],
    [130, 0xfffe7, 20],
    [153, 0x1fffdc, 21],
    [129, 0x3fffd2, 22],
    [1, 0x7fffd8, 23],
    [142, 0xffffeb, 24],
    [199, 0x1ffffec, 25],
    [192, 0x3ffffe0, 26],
    [203, 0x7ffffde, 27],
    [2, 0xfffffe2, 28],
    [10, 0x3ffffffc, 30],
    [256, 0x3fffffff, 30],
  ];
  for (const [symbol, code, length] of listed) {
    assert.equal(CODE_LENGTHS[symbol], length, `length of ${symbol}`);
    assert.equal(CODES[symbol], code, `code of ${symbol}`);
  }
});

test("codes and decodes the strings of RFC 7541 appendix C", () => {
  for (const [text, hex] of [
    ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
    ["no-cache", "a8eb10649cbf"],
    ["custom-key", "25a849e95ba97d7f"],
    ["custom-value", "25a849e95bb8e8b4bf"],
    ["302", "6402"],
    ["private", "aec3771a4b"],
    ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
    ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
    ["gzip", "9bd9ab"],
  ] as const) {
    assert.equal(encode(text).toString("hex"), hex);
    assert.equal(decode(Buffer.from(hex, "hex")), text);
  }
});

test("every byte survives", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString("latin1");
      assert.equal(decode(encode(text)), text);
    }),
  );
});

test("refuses padding that is not the beginning of EOS or is a whole byte, and EOS itself", () => {
  assert.equal(decode(Buffer.from([0x00])), undefined); // 0, then three zeros
  assert.equal(decode(Buffer.from([0x07])), "0");
  assert.equal(decode(Buffer.from([0x07, 0xff])), undefined);
  assert.equal(decode(Buffer.from([0xff, 0xff, 0xff, 0xff])), undefined);
  assert.equal(decode(Buffer.from([])), "");
});
