import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readProxyProtocolHeader } from "./proxy-protocol-header.ts";

const v1 = (text: string): Buffer => Buffer.from(text, "latin1");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

function v2(command: number, family: number, body: readonly number[]): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.of(0x20 | command, family, body.length >> 8, body.length & 255), Buffer.from(body)]);
}

const four = [10, 1, 2, 3, 10, 9, 8, 7, 0x12, 0x34, 0, 80];
const six = [
  ...Array.from({ length: 16 }, (_, at) => (at === 0 ? 0x20 : at === 15 ? 1 : 0)),
  ...Array.from({ length: 16 }, (_, at) => (at === 0 ? 0x20 : at === 15 ? 2 : 0)),
  0,
  1,
  0,
  2,
];

const headers: readonly (readonly [string, Buffer, object])[] = [
  [
    "TCP4",
    v1("PROXY TCP4 1.2.3.4 5.6.7.8 111 65535\r\n"),
    { source: { address: "1.2.3.4", port: 111 }, destination: { address: "5.6.7.8", port: 65_535 } },
  ],
  ["TCP6", v1("PROXY TCP6 1:2:3::4 5::8 1 2\r\n"), { source: { address: "1:2:3::4", port: 1 }, destination: { address: "5::8", port: 2 } }],
  ["UNKNOWN", v1("PROXY UNKNOWN whatever it says\r\n"), { none: true }],
  ["IPv4", v2(1, 0x11, four), { source: { address: "10.1.2.3", port: 0x1234 }, destination: { address: "10.9.8.7", port: 80 } }],
  ["IPv6", v2(1, 0x21, six), { source: { address: "2000::1", port: 1 }, destination: { address: "2000::2", port: 2 } }],
  [
    "IPv4 with TLVs",
    v2(1, 0x11, [...four, 4, 0, 1, 9]),
    { source: { address: "10.1.2.3", port: 0x1234 }, destination: { address: "10.9.8.7", port: 80 } },
  ],
  ["LOCAL", v2(0, 0, []), { none: true }],
];

test("both versions say who the client is, however the header is split, and how long it was", () => {
  for (const [name, header, expected] of headers) {
    const result = readProxyProtocolHeader(Buffer.concat([header, Buffer.from("GET /")]));
    assert.ok(result.state === "done", name);
    assert.equal(result.length, header.length, name);
    assert.deepEqual(result.addresses ?? { none: true }, expected, name);
    for (let end = 0; end < header.length; end++)
      assert.equal(readProxyProtocolHeader(header.subarray(0, end)).state, "more", `${name} ${end}`);
  }
});

test("what begins otherwise has no header", () => {
  for (const text of ["GET / HTTP/1.1\r\n", "PROXX", "\r\n\r\n\r"]) assert.equal(readProxyProtocolHeader(v1(text)).state, "none", text);
});

test("a header that is not right is an error, not a guess", () => {
  const wrong = [
    v1("PROXY TCP4 1.2.3.4 5.6.7.8 111\r\n"),
    v1("PROXY TCP4 1.2.3.4 5.6.7.8 111 65536\r\n"),
    v1("PROXY TCP4 1::2 5.6.7.8 1 2\r\n"),
    v1("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n"),
    v1("PROXY TCP4 224.0.0.1 5.6.7.8 1 2\r\n"),
    v1("PROXY TCP4 1.2.3.4 255.255.255.255 1 2\r\n"),
    v1("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n"),
    v1("PROXY UNKNOWN\n"),
    v1(`PROXY UNKNOWN ${"x".repeat(120)}`),
    v2(2, 0x11, four),
    v2(1, 0x31, four),
    v2(1, 0x10, four),
    v2(1, 0x11, four.slice(1)),
    v2(1, 0x11, [0, 0, 0, 0, ...four.slice(4)]),
    Buffer.concat([SIGNATURE, Buffer.of(0x11, 0x11, 0, 0)]),
  ];
  for (const bytes of wrong) assert.equal(readProxyProtocolHeader(bytes).state, "error", bytes.toString("latin1"));
});

test("no bytes whatever make it throw, and more bytes never take an answer back", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom(...headers.map(([, header]) => header)), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 }))
      .map(([header, changes]) => {
        const copy = Uint8Array.from(header);
        for (const [at, value] of changes) copy[at] = value;
        return copy;
      }),
  );
  fc.assert(
    fc.property(bytes, fc.nat(60), (all, cut) => {
      const early = readProxyProtocolHeader(all.subarray(0, cut));
      const late = readProxyProtocolHeader(all);
      if (early.state !== "more") assert.deepEqual(late, early);
    }),
    { numRuns: 3000 },
  );
});
