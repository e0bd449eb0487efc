import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readJwks } from "./jwks.ts";

test("a key set is read, and keys that tell secrets are found", () => {
  const rsa = { kty: "RSA", n: "a", e: "AQAB" };
  assert.deepEqual(readJwks(JSON.stringify({ keys: [rsa, { ...rsa, d: "a" }] })), { fault: undefined, secretKeys: [1] });
  assert.equal(readJwks(JSON.stringify(rsa)).fault, undefined);
  assert.equal(readJwks("{").fault, "is no JSON");
  assert.match(readJwks('{"keys": [{"kty": "RSA"}]}').fault ?? "", /key 0 has no "n"/u);
  assert.match(readJwks('{"keys": [{"kty": "__proto__"}]}').fault ?? "", /no known type/u);
});

test("any text and any JSON is read", () => {
  fc.assert(fc.property(fc.string(), (text) => void readJwks(text)));
  fc.assert(fc.property(fc.json(), (text) => void readJwks(text)));
  fc.assert(fc.property(fc.jsonValue(), (keys) => void readJwks(JSON.stringify({ keys }))));
});
