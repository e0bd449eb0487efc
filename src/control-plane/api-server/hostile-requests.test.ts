// Whatever is sent, the answer is a Status in Kubernetes' form, never a failure of the server, and what was stored stays.
import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { textAt, type Json } from "./json.ts";
import { ApiBench, virtualService, VIRTUAL_SERVICES } from "./testing.ts";

const REVIEWS = `${VIRTUAL_SERVICES}/reviews`;
const DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web";
const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
] as const;

const KEYS = [
  "apiVersion",
  "kind",
  "metadata",
  "name",
  "spec",
  "status",
  "hosts",
  "http",
  "template",
  "containers",
  "ports",
  "env",
  "labels",
  "managedFields",
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "$deleteFromPrimitiveList/finalizers",
  "finalizers",
  "ownerReferences",
  "op",
  "path",
  "from",
  "value",
  "__proto__",
];
const TEXTS = [
  "",
  "v1",
  "networking.istio.io/v1",
  "VirtualService",
  "reviews",
  "add",
  "remove",
  "copy",
  "move",
  "test",
  "/spec",
  "/metadata/labels/a",
  "/spec/http/0",
  "",
  "delete",
  "replace",
];

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.constantFrom(...TEXTS),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie("json")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries) as Json),
  ),
}));

test("any JSON as a body, an object or a patch ends in an answer", async () => {
  const api = await ApiBench.open();
  await api.ask("POST", VIRTUAL_SERVICES, virtualService("reviews"));
  const spec = {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", env: [{ name: "x" }] }] } },
  };
  const web = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec };
  assert.equal((await api.ask("POST", DEPLOYMENT.replace("/web", ""), web)).code, 201);
  await fc.assert(
    fc.asyncProperty(
      json,
      fc.constantFrom(...PATCH_TYPES),
      fc.constantFrom("?fieldManager=x", "?fieldManager=x&force=true&fieldValidation=Strict"),
      async (body, contentType, query) => {
        const answers = [
          await api.ask("POST", VIRTUAL_SERVICES + query, body),
          await api.ask("PUT", REVIEWS + query, body),
          await api.ask("PATCH", REVIEWS + query, body, { contentType }),
          await api.ask("PATCH", DEPLOYMENT + query, body, { contentType }),
          await api.ask("PATCH", `${DEPLOYMENT}/status${query}`, body, { contentType }),
          await api.ask("POST", "/apis/mizzen.io/v1/transactions", { operation: "Apply", objects: [body] }),
          await api.ask("DELETE", `${VIRTUAL_SERVICES}/nothing`, body),
        ];
        for (const { code, body: answer } of answers) {
          assert.notEqual(code, 500, JSON.stringify(body));
          if (code >= 400) assert.equal(textAt(answer, "kind"), "Status");
        }
      },
    ),
    { numRuns: 400 },
  );
  assert.equal((await api.ask("GET", REVIEWS)).code, 200);
  assert.equal((await api.ask("GET", DEPLOYMENT)).code, 200);
});

test("any bytes as protobuf end in an answer", async () => {
  const api = await ApiBench.open();
  const asked = { contentType: "application/vnd.kubernetes.protobuf" };
  const head = Buffer.from(`6b3873000a0f0a0276311209${Buffer.from("Namespace").toString("hex")}`, "hex");
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, withHead) => {
      const { code } = await api.ask("POST", "/api/v1/namespaces", Buffer.concat([withHead ? head : Buffer.from("k8s\0"), bytes]), asked);
      assert.notEqual(code, 500);
    }),
    { numRuns: 1_000 },
  );
});

test("any path and any headers end in an answer", async () => {
  const api = await ApiBench.open();
  const part = fc.constantFrom(
    "",
    "api",
    "apis",
    "v1",
    "namespaces",
    "default",
    "virtualservices",
    "networking.istio.io",
    "pods",
    "log",
    "status",
    "history",
    "%2e%2e",
    "%00",
    "%zz",
    "..",
    "openapi",
    "v3",
    "é",
  );
  const accept = fc.constantFrom("", "*/*", "application/json;as=Table;v=v1;g=meta.k8s.io", ";;;,", "application/json;q=x", "a/b");
  const query = fc.constantFrom(
    "",
    "?watch=1&timeoutSeconds=x",
    "?limit=-1",
    "?continue=%FF",
    "?labelSelector=%28",
    "?fieldSelector=%3D",
    "?resourceVersion=x",
    "?dryRun=x",
    "?sendInitialEvents=true&watch=1",
  );
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE");
  await fc.assert(
    fc.asyncProperty(method, fc.array(part, { maxLength: 8 }), query, accept, async (verb, parts, search, accepted) => {
      const response = await api.respond(verb, `/${parts.join("/")}${search}`, undefined, { accept: accepted });
      if (response.is === "watch") response.lines.close();
      else assert.notEqual(response.code, 500, `${verb} /${parts.join("/")}${search}`);
    }),
    { numRuns: 3_000 },
  );
});
