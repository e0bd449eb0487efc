import assert from "node:assert/strict";
import test from "node:test";
import { cappedExportTo, entryVisibility, type EntryVisibility } from "./service-entry-visibility.ts";
import { StoreBench } from "./testing.ts";

const of = (team: string): object => ({ namespaceSelector: { matchLabels: { team } } });

test("the first policy that matches the namespace decides, else the default", () => {
  const config = {
    applyToSidecars: true,
    defaultVisibility: "NAMESPACE",
    policies: [
      { visibility: "NONE", matchingRules: [of("a")] },
      { visibility: "PUBLIC", matchingRules: [of("b"), of("a")] },
    ],
  } as const;
  assert.equal(entryVisibility(config, { team: "a" }), "NONE");
  assert.equal(entryVisibility(config, { team: "b" }), "PUBLIC");
  assert.equal(entryVisibility(config, {}), "NAMESPACE");
  assert.equal(entryVisibility({ ...config, applyToSidecars: false }, { team: "a" }), "PUBLIC");
  assert.equal(entryVisibility(undefined, {}), "PUBLIC");
  const all = { applyToSidecars: true, policies: [{ visibility: "NONE", matchingRules: [{ namespaceSelector: {} }] }] } as const;
  assert.equal(entryVisibility(all, {}), "NONE");
});

const caps: readonly [readonly string[], EntryVisibility, readonly string[]][] = [
  [["other"], "PUBLIC", ["other"]],
  [[], "NAMESPACE", ["."]],
  [["*"], "NAMESPACE", ["."]],
  [["own", "other"], "NAMESPACE", ["."]],
  [["other"], "NAMESPACE", ["~"]],
  [["*"], "NONE", ["~"]],
];
for (const [exportTo, visibility, expected] of caps) {
  test(`exportTo ${JSON.stringify(exportTo)} under ${visibility} is ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(cappedExportTo(exportTo, "own", visibility), expected));
}

test("a change of the namespace's labels or of MeshConfig changes who sees its ServiceEntries", () => {
  const bench = new StoreBench();
  bench.put("ServiceEntry", "e", { hosts: ["a.example.com"], ports: [{ number: 80, name: "http", protocol: "HTTP" }] });
  const exportTo = (): readonly string[] | undefined => bench.registry.snapshot.services[0]?.exportTo;
  assert.deepEqual(exportTo(), []);
  const serviceEntryVisibility = { applyToSidecars: true, policies: [{ visibility: "NAMESPACE", matchingRules: [of("a")] }] };
  bench.put("MeshConfig", "istio", { serviceEntryVisibility }, { namespace: "istio-system" });
  assert.deepEqual(exportTo(), []);
  bench.put("Namespace", "default", {}, { namespace: "", labels: { team: "a" } });
  assert.deepEqual(exportTo(), ["."]);
});
