import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFile } from "#api/parse-file";
import { applyOneByOne, applyTogether, type ApplyChoice } from "./apply-set.ts";
import { Discovery } from "./discovery.ts";
import { placeManifests, type Placed } from "./manifests.ts";
import type { KubernetesObject } from "./objects.ts";
import { fakeServer, notFound, type Answer, type Asked } from "./testing.ts";

const CHOICE: ApplyChoice = { fieldManager: "mizzen", force: false, isDryRun: false, fieldValidation: "Strict" };
const COMMON = { group: "", version: "v1", shortNames: [], categories: [], verbs: [], isPreferred: true };
const SERVICES = new Discovery([
  { ...COMMON, kind: "ConfigMap", plural: "configmaps", singular: "configmap", isNamespaced: true },
  { ...COMMON, kind: "Namespace", plural: "namespaces", singular: "namespace", isNamespaced: false },
]);

function placed(...names: readonly string[]): readonly Placed[] {
  return placedText(textOf(names));
}

function textOf(names: readonly string[]): string {
  return names.map((name) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  a: b\n`).join("---\n");
}

function placedText(text: string): readonly Placed[] {
  const manifests = parseFile(text, "set.yaml").map((document) => ({
    object: document.rawValue() as KubernetesObject,
    document,
    place: `set.yaml:${document.placeOf("apiVersion")?.line}`,
  }));
  const target = { namespace: "shop", isNamespaceGiven: true };
  return placeManifests(manifests, SERVICES, target);
}

function stored(name: string, resourceVersion: string): Answer {
  return { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, resourceVersion }, data: { a: "b" } } };
}

test("what is written says whether it was there and whether it changed", async (t) => {
  const { client, asked } = await fakeServer(t, ({ method, path, query }) => {
    const name = path.split("/").at(-1) ?? "";
    if (method === "GET") return name === "new" ? notFound(name) : stored(name, "1");
    return stored(name, name === "same" || query.get("dryRun") === "All" ? "1" : "2");
  });
  const applied = await applyOneByOne(client, placed("new", "changed", "same"), CHOICE);
  assert.deepEqual(
    applied.map(({ action }) => action),
    ["created", "configured", "unchanged"],
  );
  const patches = asked.filter(({ method }) => method === "PATCH");
  assert.equal(patches.length, 6, "each is tried before the first is written");
  assert.deepEqual(
    patches.map(({ query }) => query.get("dryRun")),
    ["All", "All", "All", null, null, null],
  );
  assert.equal(patches[0]?.headers["content-type"], "application/apply-patch+yaml");
  assert.equal(patches[0]?.query.get("fieldManager"), "mizzen");
});

test("when one is refused in the rehearsal nothing is written", async (t) => {
  const { client, asked } = await fakeServer(t, ({ method, path }) => {
    if (method === "GET") return notFound("x");
    return path.endsWith("bad") ? { code: 422, body: { reason: "Invalid", message: "no" } } : stored("x", "1");
  });
  await assert.rejects(
    applyOneByOne(client, placed("a", "bad"), CHOICE),
    /nothing was written: set\.yaml:8: Error from server \(Invalid\): no/,
  );
  assert.ok(asked.every(({ method, query }) => method === "GET" || query.get("dryRun") === "All"));
});

test("when one is refused under way, what was written and what was not is said", async (t) => {
  const { client } = await fakeServer(t, ({ method, path, query }) => {
    if (method === "GET") return notFound("x");
    const isRefused = path.endsWith("/b") && query.get("dryRun") === null;
    return isRefused ? { code: 409, body: { reason: "Conflict", message: "meanwhile" } } : stored("a", "1");
  });
  await assert.rejects(
    applyOneByOne(client, placed("a", "b", "c"), CHOICE),
    /set\.yaml:8: Error from server \(Conflict\): meanwhile; take the fields over.*\n {2}written before that: configmap\/a\n {2}not written: configmap\/c$/,
  );
});

test("a namespace is made before what is in it, which cannot be tried before", async (t) => {
  const text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";
  const { client, asked } = await fakeServer(t, ({ method, path }) =>
    method === "GET" ? notFound("x") : stored(path.split("/").at(-1) ?? "", "1"),
  );
  const applied = await applyOneByOne(client, placedText(text), CHOICE);
  assert.deepEqual(
    applied.map(({ object }) => object.metadata.name),
    ["shop", "a"],
  );
  const tried = asked.filter(({ query }) => query.get("dryRun") === "All");
  assert.deepEqual(
    tried.map(({ path }) => path),
    ["/api/v1/namespaces/shop"],
  );
});

test("a server that can is asked to write all together, and its refusal is placed in the file", async (t) => {
  let refuse = false;
  const { client, asked } = await fakeServer(t, ({ method }) => {
    if (method === "GET") return notFound("x");
    if (!refuse) return { body: { results: [{ action: "created", object: stored("a", "1").body }] } };
    const causes = [{ field: "objects[1].data.a", message: "is not nice" }];
    return { code: 422, body: { reason: "Invalid", message: "invalid", details: { name: "", causes } } };
  });
  const applied = await applyTogether(client, placed("a"), CHOICE);
  assert.equal(applied?.[0]?.action, "created");
  const { objects } = (asked.at(-1) as Asked).body as { readonly objects: readonly KubernetesObject[] };
  assert.deepEqual(objects[0]?.metadata, { name: "a", namespace: "shop" });
  refuse = true;
  await assert.rejects(
    applyTogether(client, placed("a", "b"), CHOICE),
    /nothing was written: set\.yaml:13: configmap\/b data\.a: is not nice/,
  );
});

test("a server without transactions is told by its 404", async (t) => {
  const { client } = await fakeServer(t, ({ method }) =>
    method === "GET"
      ? notFound("x")
      : { code: 404, body: { reason: "NotFound", message: "the server could not find the requested resource" } },
  );
  assert.equal(await applyTogether(client, placed("a"), CHOICE), undefined);
});
