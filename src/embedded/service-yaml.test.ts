import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { isServiceName, quickServiceGroup, quickServiceYaml, sidecarPort } from "./service-yaml.ts";

describe("the YAML of a service without YAML", () => {
  it("says the same as the group that the supervisor runs", () => {
    const service = { name: "hello", namespace: "shop", port: 3000 };
    const [first, second] = parseAllDocuments(quickServiceYaml(service)).map((document) => document.toJS() as Record<string, never>);
    assert.deepEqual(first?.["spec"], { ports: [{ name: "http", port: 3000, targetPort: 13_000 }], selector: { app: "hello" } });
    const { spec } = quickServiceGroup(service, "/tmp", 5_000);
    assert.equal((second as unknown as { metadata: { name: string } }).metadata.name, spec.group);
    const template = (second as unknown as { spec: { template: { labels: object; ports: object } } }).spec.template;
    assert.deepEqual(template, { labels: spec.labels, ports: { http: spec.ports[0]?.number } });
  });

  it("never gives the sidecar the program's own port", () => {
    for (const port of [1, 3000, 55_535, 55_536, 65_535]) {
      assert.notEqual(sidecarPort(port), port);
      assert.ok(sidecarPort(port) >= 1 && sidecarPort(port) <= 65_535);
    }
  });

  it("takes names that Kubernetes takes", () => {
    assert.deepEqual(["hello", "a", "a-1", "Hello", "1a", "a-", "a.b", ""].map(isServiceName), [
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
