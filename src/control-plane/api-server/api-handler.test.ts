import assert from "node:assert/strict";
import test from "node:test";
import { isList, memberAt, textAt, type JsonObject } from "./json.ts";
import { ApiBench, refusalOf, route, virtualService, VIRTUAL_SERVICES } from "./testing.ts";

const REVIEWS = `${VIRTUAL_SERVICES}/reviews`;

test("creates, reads, replaces, patches and deletes an object", async () => {
  const api = await ApiBench.open();
  const created = await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews"));
  assert.equal(created.code, 201);
  assert.equal(textAt(created.body, "metadata", "namespace"), "default");
  const replaced = await api.ask("PUT", REVIEWS, { ...created.body, spec: route("reviews", "2s") });
  assert.equal(memberAt(replaced.body, "metadata", "generation"), 2);
  const asked = { contentType: "application/merge-patch+json" };
  const patched = await api.ask("PATCH", REVIEWS, { metadata: { labels: { app: "reviews" } } }, asked);
  assert.equal(textAt(patched.body, "metadata", "labels", "app"), "reviews");
  assert.equal(memberAt(patched.body, "metadata", "generation"), 2);
  const stale = await api.ask("PUT", REVIEWS, created.body);
  assert.equal(
    refusalOf(stale),
    '409 Conflict: Operation cannot be fulfilled on virtualservices.networking.istio.io "reviews": the object has been modified; please apply your changes to the latest version and try again',
  );
  const deleted = await api.ask("DELETE", REVIEWS);
  assert.equal(textAt(deleted.body, "status"), "Success");
  assert.equal(refusalOf(await api.ask("GET", REVIEWS)), '404 NotFound: virtualservices.networking.istio.io "reviews" not found');
});

test("stores nothing invalid, and names each field with its reason", async () => {
  const api = await ApiBench.open();
  const refused = await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews", route("reviews", "soon")));
  assert.equal(refused.code, 422);
  assert.match(
    textAt(refused.body, "message"),
    /^VirtualService\.networking\.istio\.io "reviews" is invalid: spec\.http\[0\]\.timeout: Invalid value: "soon": must be a duration/u,
  );
  const causes = memberAt(refused.body, "details", "causes");
  assert.deepEqual(isList(causes) ? causes.map((cause) => [textAt(cause, "reason"), textAt(cause, "field")]) : [], [
    ["FieldValueInvalid", "spec.http[0].timeout"],
  ]);
  const list = await api.ask("GET", VIRTUAL_SERVICES);
  assert.deepEqual(list.body["items"], []);
});

test("refuses unknown fields, warns of them, or leaves them out in silence, as the client asks", async () => {
  const api = await ApiBench.open();
  const object = virtualService("reviews", { ...route("reviews"), wrong: 1 });
  assert.equal(
    refusalOf(await api.ask("POST", `${VIRTUAL_SERVICES}?fieldValidation=Strict`, object)),
    '400 BadRequest: VirtualService in version "v1" cannot be handled as a VirtualService: strict decoding error: unknown field "spec.wrong"',
  );
  const warned = await api.ask("POST", `${VIRTUAL_SERVICES}?fieldValidation=Warn`, object);
  assert.deepEqual(warned.warnings, ['unknown field "spec.wrong"']);
  assert.equal(memberAt(warned.body, "spec", "wrong"), undefined);
  const ignored = await api.ask("PUT", `${REVIEWS}?fieldValidation=Ignore`, { ...object, metadata: warned.body["metadata"] ?? {} });
  assert.deepEqual([ignored.code, ignored.warnings], [200, []]);
  const twice = Buffer.from('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1","k":"2"}}');
  assert.match(
    refusalOf(await api.ask("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Strict", twice)),
    /strict decoding error: duplicate field "data\.k"$/u,
  );
});

test("a dry run says what would be and keeps nothing", async () => {
  const api = await ApiBench.open();
  assert.equal((await api.ask("POST", `${VIRTUAL_SERVICES}?dryRun=All`, virtualService("reviews"))).code, 201);
  assert.equal((await api.ask("GET", REVIEWS)).code, 404);
  assert.match(
    refusalOf(await api.ask("POST", `${VIRTUAL_SERVICES}?dryRun=Some`, virtualService("reviews"))),
    /^422 Invalid: .*dryRun: Unsupported value/u,
  );
});

test("an object is the same in every version of its kind", async () => {
  const api = await ApiBench.open();
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews"));
  const older = await api.ask("GET", REVIEWS.replace("/v1/", "/v1beta1/"));
  assert.equal(textAt(older.body, "apiVersion"), "networking.istio.io/v1beta1");
  const asked = { contentType: "application/merge-patch+json" };
  const patched = await api.ask("PATCH", REVIEWS.replace("/v1/", "/v1alpha3/"), { spec: { gateways: ["mesh"] } }, asked);
  assert.equal(textAt(patched.body, "apiVersion"), "networking.istio.io/v1alpha3");
  assert.equal(textAt((await api.ask("GET", REVIEWS)).body, "apiVersion"), "networking.istio.io/v1");
});

test("server-side apply owns fields, tells conflicts, and takes away what it no longer says", async () => {
  const api = await ApiBench.open();
  const apply = (manager: string, object: JsonObject, more = "") =>
    api.ask("PATCH", `${REVIEWS}?fieldManager=${manager}${more}`, object, { contentType: "application/apply-patch+yaml" });
  const first = await apply("one", virtualService("reviews", { ...route("reviews"), gateways: ["mesh"] }));
  assert.equal(first.code, 201);
  assert.equal((await apply("one", virtualService("reviews", { ...route("reviews"), gateways: ["mesh"] }))).code, 200);
  const conflict = await apply("two", virtualService("reviews", route("ratings")));
  assert.equal(conflict.code, 409);
  assert.equal(textAt(conflict.body, "message"), 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.hosts\n- .spec.http');
  const forced = await apply("two", virtualService("reviews", route("ratings")), "&force=true");
  assert.deepEqual(memberAt(forced.body, "spec", "hosts"), ["ratings"]);
  const less = await apply("one", virtualService("reviews", {}));
  assert.equal(memberAt(less.body, "spec", "gateways"), undefined, "nobody else owned it");
  assert.deepEqual(memberAt(less.body, "spec", "hosts"), ["ratings"], "two owns it");
});

test("lists as tables with the printer columns of the kind", async () => {
  const api = await ApiBench.open();
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews", { ...route("reviews"), gateways: ["mesh"] }));
  const table = await api.ask("GET", VIRTUAL_SERVICES, undefined, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  });
  const definitions = table.body["columnDefinitions"];
  assert.deepEqual(isList(definitions) ? definitions.map((column) => textAt(column, "name")) : [], ["Name", "Gateways", "Hosts", "Age"]);
  const rows = table.body["rows"];
  assert.deepEqual(isList(rows) ? rows.map((row) => memberAt(row, "cells")) : [], [["reviews", '["mesh"]', '["reviews"]', "0s"]]);
  const refused = await api.ask("GET", VIRTUAL_SERVICES, undefined, { accept: "application/vnd.kubernetes.protobuf" });
  assert.equal(refused.code, 406);
});

test("kinds that need a node are stored and say that nothing runs them, and what to do instead", async () => {
  const api = await ApiBench.open();
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web" }] } },
    },
  };
  const created = await api.ask("POST", "/apis/apps/v1/namespaces/default/deployments", deployment);
  assert.deepEqual([created.code, memberAt(created.body, "spec", "replicas")], [201, 1]);
  assert.match(created.warnings[0] ?? "", /nothing runs a Deployment here: declare a WorkloadGroup with the annotation mizzen\.io\/run/u);
  const conditions = memberAt(created.body, "status", "conditions");
  assert.equal(textAt(isList(conditions) ? conditions[0] : undefined, "reason"), "NothingRunsPods");
  // What ends `kubectl rollout status` at once, also after a change.
  const merge = { contentType: "application/merge-patch+json" };
  const changed = await api.ask("PATCH", "/apis/apps/v1/namespaces/default/deployments/web", { spec: { paused: true } }, merge);
  assert.deepEqual([memberAt(changed.body, "metadata", "generation"), memberAt(changed.body, "status", "observedGeneration")], [2, 2]);
  assert.equal(textAt(isList(conditions) ? conditions[1] : undefined, "reason"), "ProgressDeadlineExceeded");
  assert.match(
    refusalOf(await api.ask("PATCH", "/apis/apps/v1/namespaces/default/deployments/web/scale", { spec: { replicas: 2 } }, merge)),
    /^400 BadRequest: scale of web: nothing runs a Deployment here: /u,
  );
  const events = await api.ask("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=web");
  assert.equal(isList(events.body["items"]) ? events.body["items"].length : 0, 1);
});

test("a list without pods says where the programs are; a status that somebody else wrote stays", async () => {
  const api = await ApiBench.open();
  const selected = "/api/v1/pods?labelSelector=app%3Dweb";
  assert.match((await api.ask("GET", selected)).warnings[0] ?? "", /^no pods run here: .*`mizzen proxy-status`/u);
  assert.deepEqual((await api.ask("GET", "/api/v1/pods")).warnings, []);
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ name: "a" }] } };
  await api.ask("POST", "/api/v1/namespaces/default/pods", { ...pod, metadata: { name: "a", labels: { app: "web" } } });
  assert.deepEqual((await api.ask("GET", selected)).warnings, []);
  const merge = { contentType: "application/merge-patch+json" };
  await api.ask("PATCH", "/api/v1/namespaces/default/pods/a/status", { status: { phase: "Running", conditions: [] } }, merge);
  const labelled = await api.ask("PATCH", "/api/v1/namespaces/default/pods/a", { metadata: { labels: { a: "b" } } }, merge);
  assert.equal(textAt(labelled.body, "status", "phase"), "Running");
});

test("Events are kept for an hour", async () => {
  const api = await ApiBench.open();
  const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "a" }] } });
  const events = async (): Promise<readonly string[]> => {
    const { items } = (await api.ask("GET", "/api/v1/events")).body;
    return isList(items) ? items.map((item) => textAt(item, "involvedObject", "name")) : [];
  };
  await api.ask("POST", "/api/v1/namespaces/default/pods", pod("one"));
  api.clock.advance(3_590_000);
  await api.ask("POST", "/api/v1/namespaces/default/pods", pod("two"));
  assert.deepEqual(await events(), ["one", "two"]);
  api.clock.advance(20_000);
  await api.ask("POST", "/api/v1/namespaces/default/pods", pod("three"));
  assert.deepEqual([...(await events())].sort(), ["three", "two"]);
});

test("nobody is told anything but that the server is there, and somebody who is asked for may do nothing", async () => {
  const api = await ApiBench.open();
  const nobody = { user: undefined };
  for (const path of [VIRTUAL_SERVICES, "/api", "/openapi/v3", "/metrics", "/nothing", "/"]) {
    assert.equal(refusalOf(await api.ask("GET", path, undefined, nobody)), "401 Unauthorized: Unauthorized", path);
  }
  assert.equal((await api.ask("GET", "/version", undefined, nobody)).code, 200);
  const other = { user: { name: "other", groups: ["system:authenticated"] } };
  assert.equal(
    refusalOf(await api.ask("GET", VIRTUAL_SERVICES, undefined, other)),
    '403 Forbidden: virtualservices.networking.istio.io "" is forbidden: User "other" cannot list resource "virtualservices" in API group "networking.istio.io" in the namespace "default"',
  );
  const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: {} };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  assert.equal(memberAt((await api.ask("POST", path, review)).body, "status", "allowed"), true);
  assert.equal(memberAt((await api.ask("POST", path, review, other)).body, "status", "allowed"), false);
});

test("a watch tells what there is, what changes, and a refusal as an event", async () => {
  const api = await ApiBench.open();
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews"));
  const response = await api.respond(
    "GET",
    `${VIRTUAL_SERVICES}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
  );
  assert.ok(response.is === "watch");
  const lines = response.lines[Symbol.asyncIterator]();
  const next = async (): Promise<JsonObject> => JSON.parse((await lines.next()).value as string) as JsonObject;
  assert.equal(textAt(await next(), "type"), "ADDED");
  const bookmark = await next();
  assert.equal(textAt(bookmark, "object", "metadata", "annotations", "k8s.io/initial-events-end"), "true");
  await api.ask("DELETE", REVIEWS);
  assert.equal(textAt(await next(), "type"), "DELETED");
  response.lines.close();
  assert.equal((await lines.next()).done, true);
  const late = await api.ask("GET", `${VIRTUAL_SERVICES}?watch=1&resourceVersion=999999`);
  assert.ok(late.code >= 400);
});

test("a transaction keeps all of its objects or none, and names the one that is wrong", async () => {
  const api = await ApiBench.open();
  const write = (...objects: JsonObject[]) =>
    api.ask("POST", "/apis/mizzen.io/v1/transactions?fieldManager=mizzen", {
      apiVersion: "mizzen.io/v1",
      kind: "Transaction",
      operation: "Apply",
      objects,
    });
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  const refused = await write(
    virtualService("reviews", route("reviews"), { namespace: "shop" }),
    namespace,
    virtualService("ratings", route("ratings", "soon")),
  );
  assert.equal(refused.code, 422);
  const causes = memberAt(refused.body, "details", "causes");
  assert.equal(textAt(isList(causes) ? causes[0] : undefined, "field"), "objects[2].spec.http[0].timeout");
  assert.equal((await api.ask("GET", "/api/v1/namespaces/shop")).code, 404);
  const kept = await write(virtualService("reviews", route("reviews"), { namespace: "shop" }), namespace);
  const results = kept.body["results"];
  assert.deepEqual(isList(results) ? results.map((result) => textAt(result, "action")) : [], ["created", "created"]);
  const again = await write(virtualService("reviews", route("reviews"), { namespace: "shop" }), namespace);
  assert.deepEqual(isList(again.body["results"]) ? again.body["results"].map((result) => textAt(result, "action")) : [], [
    "unchanged",
    "unchanged",
  ]);
});

test("an object's versions can be read, also when it has gone", async () => {
  const api = await ApiBench.open();
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews"));
  await api.ask("DELETE", REVIEWS);
  const history = await api.ask("GET", `${REVIEWS}/history`);
  const items = history.body["items"];
  assert.deepEqual(isList(items) ? items.map((item) => [textAt(item, "operation"), textAt(item, "author")]) : [], [
    ["Create", "tester"],
    ["Delete", "tester"],
  ]);
});

test("kubectl's protobuf of Kubernetes' own kinds is read, and fields that are not known are refused", async () => {
  const api = await ApiBench.open();
  const asked = { contentType: "application/vnd.kubernetes.protobuf" };
  // As kubectl sends `create namespace foo`.
  const namespace = Buffer.from(
    "6b3873000a0f0a0276311209" +
      Buffer.from("Namespace").toString("hex") +
      "121b0a130a03666f6f12001a0022002a00320038004200" +
      "12001a020a001a002200",
    "hex",
  );
  const created = await api.ask("POST", "/api/v1/namespaces", namespace, asked);
  assert.deepEqual([created.code, textAt(created.body, "metadata", "name")], [201, "foo"]);
  const unknown = Buffer.from("6b3873000a0f0a0276311209" + Buffer.from("Namespace").toString("hex") + "1203aa0600", "hex");
  assert.match(
    refusalOf(await api.ask("POST", "/api/v1/namespaces", unknown, asked)),
    /^400 BadRequest: .*field 101 of Namespace is read from JSON only/u,
  );
});

test("hostile bodies and paths end in a refusal", async () => {
  const api = await ApiBench.open();
  const deep = Buffer.from(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`);
  assert.match(refusalOf(await api.ask("POST", VIRTUAL_SERVICES, deep)), /^400 BadRequest: .*nested more than 100 levels deep$/u);
  assert.match(refusalOf(await api.ask("POST", VIRTUAL_SERVICES, Buffer.from([0xff, 0xfe]))), /^400 /u);
  assert.equal((await api.ask("POST", VIRTUAL_SERVICES, virtualService("../../etc"))).code, 422);
  for (const path of [
    "/apis/networking.istio.io/v1/namespaces/%2e%2e/virtualservices",
    "/api/v1/namespaces/a%2fb",
    "/api/v1//pods",
    "/api/%zz",
  ]) {
    assert.equal((await api.ask("GET", path)).code, 404, path);
  }
  const polluted = Buffer.from(
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x"},"__proto__":{"polluted":1}}',
  );
  const created = await api.ask("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Ignore", polluted);
  assert.equal(created.code, 201);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  const bomb = Array.from({ length: 40 }, () => ({ op: "copy", from: "", path: "/metadata/annotations/a" }));
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews", route("reviews"), { annotations: { b: "x".repeat(1000) } }));
  const copied = await api.ask("PATCH", REVIEWS, bomb, { contentType: "application/json-patch+json" });
  assert.ok(copied.code === 413 || copied.code === 422, String(copied.code));
});
