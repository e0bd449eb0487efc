import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "#api/finding";
import { BUILTIN_ORIGIN, builtinDocuments, documentOf } from "./builtin-objects.ts";
import { ConfigStore, type Origin, type StoreChange } from "./store.ts";
import { live, parseTestFile } from "./testing.ts";

const seenMs = Date.UTC(2026, 0, 1);
const origin = (path: string, ageMs = 0): Origin => ({ path, rank: "file", seenMs: seenMs - ageMs });

function put(store: ConfigStore, from: Origin, text: string, nowMs = 0): void {
  store.put(from, parseTestFile(text, from.path), nowMs);
  store.publish();
}

function watched(): { store: ConfigStore; changes: StoreChange[] } {
  const store = new ConfigStore();
  const changes: StoreChange[] = [];
  store.subscribe((change) => changes.push(change));
  return { store, changes };
}

test("an object gets a uid, generation 1, a resourceVersion and its file's time in whole seconds", () => {
  const { store } = watched();
  put(store, { path: "f", rank: "file", seenMs: seenMs + 789 }, "A d/x 1\n");
  const metadata = store.objects.get("A", "d", "x")?.metadata;
  assert.equal(metadata?.creationTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(metadata?.generation, 1);
  assert.equal(metadata?.resourceVersion, "1");
  assert.match(metadata?.uid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a changed spec bumps generation and resourceVersion and keeps uid and creation time", () => {
  const { store, changes } = watched();
  put(store, origin("f"), "A d/x 1\n");
  const before = store.objects.get("A", "d", "x")?.metadata;
  put(store, { ...origin("f"), seenMs: seenMs + 60_000 }, "A d/x 2\n");
  const after = store.objects.get("A", "d", "x")?.metadata;
  assert.equal(after?.generation, 2);
  assert.notEqual(after?.resourceVersion, before?.resourceVersion);
  assert.equal(after?.uid, before?.uid);
  assert.equal(after?.creationTimestamp, before?.creationTimestamp);
  assert.deepEqual(
    changes.map(({ changes: [change] }) => change?.type),
    ["added", "modified"],
  );
});

test("a comment changes no object and publishes nothing", () => {
  const { store, changes } = watched();
  put(store, origin("f"), "A d/x 1\n");
  const before = store.objects;
  put(store, origin("f"), "# why\nA d/x 1\n");
  assert.equal(store.objects, before);
  assert.equal(changes.length, 1);
});

test("sets that were handed out never change", () => {
  const { store } = watched();
  put(store, origin("f"), "A d/x 1\n");
  const before = store.objects;
  put(store, origin("f"), "A d/x 2\n---\nA d/y 1\n");
  assert.equal(before.list("A").length, 1);
  assert.equal(store.objects.list("A").length, 2);
  assert.equal(store.objects.version, before.version + 1);
});

test("objects stand oldest first, ties by path, then by their order in the file", () => {
  const { store } = watched();
  put(store, origin("b.yaml"), "A d/z 1\n---\nA d/a 1\n");
  put(store, origin("a.yaml"), "A d/m 1\n");
  put(store, origin("c.yaml", 60_000), "A d/old 1\n");
  assert.deepEqual(live(store), ["A|d|old=1", "A|d|m=1", "A|d|z=1", "A|d|a=1"]);
});

test("a creation time that the file says counts, unless it is none", () => {
  const { store } = watched();
  for (const [name, creationTimestamp] of [
    ["young", "2026-06-01T00:00:00Z"],
    ["old", "2020-01-01T00:00:00+00:00"],
    ["none", "yesterday"],
  ] as const) {
    const metadata = { name, namespace: "d", labels: {}, annotations: {}, creationTimestamp };
    store.put(origin(`${name}.yaml`), [documentOf({ apiVersion: "v1", kind: "A", metadata, spec: { value: creationTimestamp } })], 0);
  }
  store.publish();
  assert.deepEqual(
    store.objects.list("A").map(({ metadata }) => [metadata.name, metadata.creationTimestamp]),
    [
      ["old", "2020-01-01T00:00:00Z"],
      ["none", "2026-01-01T00:00:00Z"],
      ["young", "2026-06-01T00:00:00Z"],
    ],
  );
});

test("of two definitions written at one time the first by path counts, and a finding names both", () => {
  const { store } = watched();
  put(store, origin("b.yaml"), "# one line\nA d/x 2\n");
  put(store, origin("a.yaml"), "A d/x 1\n");
  assert.deepEqual(live(store), ["A|d|x=1"]);
  const [finding] = store.findings;
  assert.equal(finding?.code, "MZ0006");
  assert.equal(finding?.place?.file, "b.yaml");
  assert.match(finding?.message ?? "", /a\.yaml:1/);
});

test("of two files that define one object the later written counts, whichever its path and however it came to be later", () => {
  const { store } = watched();
  put(store, origin("a.yaml", 1000), "A d/x 1\n");
  put(store, origin("b.yaml"), "A d/x 2\n");
  assert.deepEqual(live(store), ["A|d|x=2"]);
  put(store, origin("a.yaml", -1000), "A d/x 3\n");
  assert.deepEqual(live(store), ["A|d|x=3"]);
  store.remove("a.yaml", 0);
  store.remove("a.yaml", 10_000);
  store.publish();
  assert.deepEqual(live(store), ["A|d|x=2"]);
});

test("of two definitions in one file the first counts", () => {
  const { store } = watched();
  put(store, origin("a.yaml"), "A d/x 1\n---\nA d/x 2\n");
  assert.deepEqual(live(store), ["A|d|x=1"]);
  assert.deepEqual(
    store.findings.map(({ code, place }) => [code, place?.line]),
    [["MZ0006", 3]],
  );
});

test("an object that moves to another file stays the same one, without a gap and without a duplicate finding", () => {
  const { store, changes } = watched();
  put(store, origin("a.yaml"), "A d/x 1\n");
  const before = store.objects.get("A", "d", "x");
  store.remove("a.yaml", 1_000);
  put(store, origin("b.yaml"), "A d/x 1\n", 1_000);
  assert.equal(store.objects.get("A", "d", "x"), before);
  store.remove("a.yaml", 1_500);
  store.publish();
  assert.equal(store.objects.get("A", "d", "x"), before);
  assert.deepEqual(store.findings, []);
  assert.equal(changes.length, 1);
  assert.deepEqual(store.placeOf({ kind: "A", namespace: "d", name: "x" }), { file: "b.yaml", line: 1, column: 1 });
});

test("a removed file takes its objects along after the second look", () => {
  const { store, changes } = watched();
  put(store, origin("a.yaml"), "A d/x 1\n");
  assert.equal(store.remove("a.yaml", 0), true);
  store.publish();
  assert.deepEqual(live(store), ["A|d|x=1"]);
  assert.equal(store.remove("a.yaml", 200), false);
  store.publish();
  assert.deepEqual(live(store), []);
  assert.equal(changes.at(-1)?.changes[0]?.type, "deleted");
  assert.deepEqual(store.paths, []);
});

test("an unreadable file keeps its objects and is named", () => {
  const { store, changes } = watched();
  put(store, origin("a.yaml"), "A d/x 1\n");
  const problem: Finding = { level: "error", code: "MZ0008", message: "cannot be read", place: { file: "a.yaml", line: 1, column: 1 } };
  store.fail(origin("a.yaml"), problem);
  store.publish();
  assert.deepEqual(live(store), ["A|d|x=1"]);
  assert.deepEqual(changes.at(-1)?.findingDiff.fresh, [problem]);
  put(store, origin("a.yaml"), "A d/x 1\n");
  assert.deepEqual(changes.at(-1)?.findingDiff.gone, [problem]);
});

test("findings that only moved are no news", () => {
  const { store, changes } = watched();
  put(store, origin("a.yaml"), "A d/x !\n");
  put(store, origin("a.yaml"), "# a\n---\nA d/x !\n");
  assert.equal(changes.length, 1);
  assert.equal(store.findings[0]?.place?.line, 3);
});

test("a user's object replaces the built-in one of its name, and its removal brings that back", () => {
  const { store } = watched();
  store.put(BUILTIN_ORIGIN, builtinDocuments("istio-system"), 0);
  put(store, origin("a.yaml"), "Service istio-system/istio-ingressgateway mine\n");
  assert.deepEqual(live(store, "Service"), ["Service|istio-system|istio-ingressgateway=mine"]);
  assert.deepEqual(store.findings, []);
  store.remove("a.yaml", 0);
  store.remove("a.yaml", 200);
  store.publish();
  const spec = store.objects.get<{ ports: { port: number; targetPort: number }[] }>(
    "Service",
    "istio-system",
    "istio-ingressgateway",
  )?.spec;
  assert.deepEqual(
    spec?.ports.map(({ port, targetPort }) => [port, targetPort]),
    [
      [15021, 15021],
      [80, 8080],
      [443, 8443],
    ],
  );
});

test("a finding about an object gets the object's place", () => {
  const { store } = watched();
  put(store, origin("a.yaml"), "# a\n---\nA d/x 1\n");
  const finding: Finding = {
    level: "error",
    code: "IST0101",
    message: "m",
    object: { kind: "A", namespace: "d", name: "x" },
    field: "spec.host",
  };
  assert.deepEqual(store.locate(finding).place, { file: "a.yaml", line: 3, column: 1 });
  assert.equal(store.locate({ ...finding, object: { kind: "A", namespace: "d", name: "y" } }).place, undefined);
});

test("many objects are taken up quickly", () => {
  const { store } = watched();
  const text = Array.from({ length: 5_000 }, (_, index) => `A d/x${index} 1\n`).join("---\n");
  put(store, origin("a.yaml"), text);
  assert.equal(store.objects.list("A").length, 5_000);
});
