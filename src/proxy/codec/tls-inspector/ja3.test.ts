import assert from "node:assert/strict";
import { test } from "node:test";
import { ja3Text } from "./ja3.ts";

const u16 = (value: number): number[] => [value >> 8, value & 255];
const list16 = (...values: number[]): number[] => [...u16(values.length * 2), ...values.flatMap(u16)];
const extension = (type: number, body: readonly number[] = []): number[] => [...u16(type), ...u16(body.length), ...body];

function hello(ciphers: readonly number[], extensions: readonly number[] | undefined): Uint8Array {
  const tail = extensions === undefined ? [] : [...u16(extensions.length), ...extensions];
  const body = [3, 3, ...Array<number>(32).fill(7), 2, 1, 1, ...list16(...ciphers), 1, 0, ...tail];
  const message = [1, 0, ...u16(body.length), ...body];
  return Uint8Array.from([22, 3, 1, ...u16(message.length), ...message]);
}

test("version, suites, extensions, groups and point formats in the client's order, without GREASE", () => {
  const extensions = [
    ...extension(0x2a2a),
    ...extension(65_281, [0]),
    ...extension(11, [2, 0, 1]),
    ...extension(10, list16(0x4a4a, 29, 23)),
    ...extension(0xfafa, [0]),
    ...extension(43, [2, 3, 4]),
  ];
  assert.equal(ja3Text(hello([0x0a0a, 0x1301, 0xc02b, 0x0a1a], extensions)), "771,4865-49195-2586,65281-11-10-43,29-23,0-1");
});

test("what is not there is empty", () => {
  assert.equal(ja3Text(hello([47], undefined)), "771,47,,,");
  assert.equal(ja3Text(hello([47], extension(35))), "771,47,35,,");
});

test("half a hello, plain text and broken lengths have none", () => {
  const bytes = hello([47], extension(10, list16(29)));
  for (let end = 0; end < bytes.length; end++) assert.equal(ja3Text(bytes.subarray(0, end)), undefined);
  assert.equal(ja3Text(Buffer.from("GET / HTTP/1.1\r\n\r\n")), undefined);
  assert.equal(ja3Text(hello([47], extension(10, [0, 9, 0, 29]))), undefined);
});
