// A short run with one seed; `npm run fuzz` goes on.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { inspectClientHello } from "#proxy/codec/tls-inspector/client-hello";
import { HELLO } from "./first-bytes.ts";
import { PROPERTIES } from "./properties.ts";

for (const [name, fuzz] of Object.entries(PROPERTIES)) {
  test(`${name} keep their properties under 400 mutations`, () => fuzz({ seed: 1, numRuns: 400 }));
}

test("the hello that is mutated is one", () => {
  assert.deepEqual(inspectClientHello(HELLO), { state: "tls", serverName: "a.example", applicationProtocols: ["h2", "http/1.1"] });
});
