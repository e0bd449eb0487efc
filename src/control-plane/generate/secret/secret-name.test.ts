import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSecretName } from "./secret-name.ts";

test("a Secret is looked for in the proxy's namespace unless its name says where", () => {
  const parse = (text: string) => parseSecretName(text, "own");
  assert.deepEqual(parse("kubernetes://web"), { source: "Secret", namespace: "own", name: "web", holds: "certificate" });
  assert.deepEqual(parse("kubernetes://ns/web"), { source: "Secret", namespace: "ns", name: "web", holds: "certificate" });
  assert.deepEqual(parse("kubernetes-gateway://ns/web"), { source: "Secret", namespace: "ns", name: "web", holds: "certificate" });
});

test("-cacert asks for the authorities, and a ConfigMap holds nothing else", () => {
  const parse = (text: string) => parseSecretName(text, "own");
  assert.deepEqual(parse("kubernetes://web-cacert"), { source: "Secret", namespace: "own", name: "web", holds: "authorities" });
  assert.deepEqual(parse("configmap://ns/ca-cacert"), { source: "ConfigMap", namespace: "ns", name: "ca", holds: "authorities" });
  assert.equal(parse("configmap://ns/ca"), undefined);
});

test("other names are nobody's", () => {
  for (const text of [
    "default",
    "ROOTCA",
    "file-cert:/a~/b",
    "kubernetes-gateway://web",
    "kubernetes://",
    "kubernetes://a/b/c",
    "invalid://",
  ]) {
    assert.equal(parseSecretName(text, "own"), undefined, text);
  }
});
