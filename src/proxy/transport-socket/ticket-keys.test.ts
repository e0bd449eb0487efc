import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TlsSessionTicketKeysSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import { readTicketKeys } from "./ticket-keys.ts";

function read(...keys: Uint8Array[]): { key: Buffer | undefined; problems: string[] } {
  const problems: string[] = [];
  const wire = create(TlsSessionTicketKeysSchema, {
    keys: keys.map((value) => ({ specifier: { case: "inlineBytes" as const, value } })),
  });
  return { key: readTicketKeys(wire, "k", (path, message) => problems.push(`${path}: ${message}`)), problems };
}

const key = (last: number): Uint8Array => Uint8Array.from({ length: 80 }, (_, at) => (at === 79 ? last : at + 128));

test("the first of the keys decides, by its name and by all that follows it", () => {
  const one = read(key(1), key(2));
  assert.deepEqual(one.problems, []);
  assert.equal(one.key?.length, 48);
  assert.deepEqual([...(one.key ?? [])].slice(0, 16), [...key(1)].slice(0, 16));
  assert.deepEqual(read(key(1)).key, one.key);
  assert.notDeepEqual(read(key(2), key(1)).key, one.key);
});

test("keys of another length than Envoy's are refused, and so is an empty list", () => {
  assert.deepEqual(read(key(1), key(1).subarray(1)).problems, ["k.keys[1]: incorrect TLS session ticket key length: 79 bytes, must be 80"]);
  assert.deepEqual(read().problems, ["k.keys: must not be empty"]);
});
