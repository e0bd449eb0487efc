import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceIdentities } from "./service-identity.ts";

const NO_NAMES = { namespace: "default", subjectAltNames: [], serviceAccounts: [] };
const ENDPOINT = { namespace: "ns", serviceAccount: "sa" };

test("names the accounts of endpoints, each once and in order", () => {
  const endpoints = [ENDPOINT, { namespace: "a", serviceAccount: "b" }, ENDPOINT];
  assert.deepEqual(serviceIdentities(NO_NAMES, endpoints, { trustDomain: "td" }), ["spiffe://td/ns/a/sa/b", "spiffe://td/ns/ns/sa/sa"]);
});

test("an endpoint without account or namespace has no identity", () => {
  const endpoints = [
    { namespace: "", serviceAccount: "sa" },
    { namespace: "ns", serviceAccount: "" },
  ];
  assert.deepEqual(serviceIdentities(NO_NAMES, endpoints, {}), []);
});

test("a trust domain with an @ gets a dot in its place, as in Istio", () => {
  assert.deepEqual(serviceIdentities(NO_NAMES, [ENDPOINT], { trustDomain: "pool@project.example" }), [
    "spiffe://pool.project.example/ns/ns/sa/sa",
  ]);
});

test("accounts stand also under the aliases of the trust domain, other names do not", () => {
  const service = { ...NO_NAMES, subjectAltNames: ["spiffe://td/ns/ns/sa/sa", "example.com"] };
  assert.deepEqual(serviceIdentities(service, [], { trustDomain: "td", trustDomainAliases: ["old"] }), [
    "example.com",
    "spiffe://old/ns/ns/sa/sa",
    "spiffe://td/ns/ns/sa/sa",
  ]);
});
