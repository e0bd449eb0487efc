import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxyProtocolHeader } from "./proxy-protocol-header.ts";
import { writeProxyProtocolHeader } from "./write-header.ts";

const four = { source: { address: "10.0.0.1", port: 4711 }, destination: { address: "10.0.0.2", port: 80 } };
const six = { source: { address: "2001:db8::1", port: 1 }, destination: { address: "2001:db8::2", port: 65_535 } };

test("what is written is read again, in both versions and families", () => {
  for (const version of [1, 2] as const) {
    for (const addresses of [four, six]) {
      const bytes = writeProxyProtocolHeader(version, addresses);
      const extensions = new Uint8Array();
      assert.deepEqual(readProxyProtocolHeader(bytes), { state: "done", version, length: bytes.length, addresses, extensions });
    }
  }
});

test("two families in one connection are written as IPv6", () => {
  const mixed = { source: four.source, destination: six.destination };
  for (const version of [1, 2] as const) {
    const result = readProxyProtocolHeader(writeProxyProtocolHeader(version, mixed));
    assert.ok(result.state === "done");
    assert.deepEqual(result.addresses, mixed);
  }
});

test("what has no IP address is nobody's connection", () => {
  const pipe = { source: { address: "", port: 0 }, destination: four.destination };
  assert.equal(Buffer.from(writeProxyProtocolHeader(1, pipe)).toString(), "PROXY UNKNOWN\r\n");
  const result = readProxyProtocolHeader(writeProxyProtocolHeader(2, pipe));
  assert.ok(result.state === "done");
  assert.equal(result.addresses, undefined);
});

test("extensions stand behind the addresses, in version 2 alone", () => {
  const tlvs = [{ type: 0xea, value: Uint8Array.of(1, 2) }];
  const [one, two] = ([1, 2] as const).map((version) => readProxyProtocolHeader(writeProxyProtocolHeader(version, four, tlvs)));
  assert.ok(one?.state === "done" && two?.state === "done");
  assert.deepEqual(
    [one.extensions, two.extensions].map((bytes) => [...bytes]),
    [[], [0xea, 0, 2, 1, 2]],
  );
});
