import assert from "node:assert/strict";
import { test } from "node:test";
import { discover, Discovery, pathOf, type Resource } from "./discovery.ts";
import { fakeServer } from "./testing.ts";

function resource(group: string, version: string, kind: string, more: Partial<Resource> = {}): Resource {
  const singular = kind.toLowerCase();
  const common = { group, version, kind, singular, plural: `${singular}s`, shortNames: [], categories: [], verbs: ["list"] };
  return { ...common, isNamespaced: true, isPreferred: true, ...more };
}

const VS = { shortNames: ["vs"], categories: ["istio-io"] };
const FOUND = new Discovery([
  resource("", "v1", "Service", { shortNames: ["svc"], categories: ["all"] }),
  resource("", "v1", "Namespace", { shortNames: ["ns"], isNamespaced: false }),
  resource("networking.istio.io", "v1", "VirtualService", VS),
  resource("networking.istio.io", "v1beta1", "VirtualService", { ...VS, isPreferred: false }),
  resource("networking.istio.io", "v1", "Gateway", { categories: ["istio-io"] }),
  resource("gateway.networking.k8s.io", "v1", "Gateway"),
]);

test("a kind has many words", () => {
  for (const word of ["vs", "VirtualService", "virtualservice", "virtualservices", "virtualservices.networking.istio.io"])
    assert.equal(FOUND.byWord(word).version, "v1", word);
  assert.equal(FOUND.byWord("virtualservices.v1beta1.networking.istio.io").version, "v1beta1");
  assert.equal(FOUND.byWord("gateways").group, "networking.istio.io");
  assert.equal(FOUND.byWord("gateways.gateway.networking.k8s.io").group, "gateway.networking.k8s.io");
  assert.throws(() => FOUND.byWord("virtualservise"), /doesn't have a resource type "virtualservise" \(did you mean "virtualservice"\?\)/);
});

test("a category stands for all its kinds, in the version that is preferred", () => {
  assert.deepEqual(
    FOUND.byWordOrCategory("istio-io").map(({ kind, version }) => `${kind}.${version}`),
    ["VirtualService.v1", "Gateway.v1"],
  );
  assert.deepEqual(
    FOUND.byWordOrCategory("svc").map(({ kind }) => kind),
    ["Service"],
  );
});

test("paths are the API's", () => {
  assert.equal(pathOf(FOUND.byWord("vs"), "shop", "a"), "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/a");
  assert.equal(pathOf(FOUND.byWord("vs"), undefined), "/apis/networking.istio.io/v1/virtualservices");
  assert.equal(pathOf(FOUND.byWord("ns"), "shop", "a"), "/api/v1/namespaces/a");
});

test("servers before aggregated discovery are asked group by group", async (t) => {
  const list = {
    kind: "APIResourceList",
    resources: [{ name: "services", kind: "Service", namespaced: true, verbs: ["list"], shortNames: ["svc"] }],
  };
  const own = {
    resources: [
      { name: "virtualservices", singularName: "virtualservice", kind: "VirtualService", namespaced: true },
      { name: "virtualservices/status", kind: "VirtualService" },
    ],
  };
  const group = { name: "networking.istio.io", versions: [{ version: "v1" }, { version: "v1beta1" }], preferredVersion: { version: "v1" } };
  const { client } = await fakeServer(t, ({ path }) => {
    if (path === "/api") return { body: { kind: "APIVersions", versions: ["v1"] } };
    if (path === "/api/v1") return { body: list };
    if (path === "/apis") return { body: { kind: "APIGroupList", groups: [group, { name: "away", versions: [{ version: "v1" }] }] } };
    return path.startsWith("/apis/networking") ? { body: own } : { code: 503, body: "away" };
  });
  const { resources } = await discover(client);
  assert.deepEqual(
    resources.map(({ plural, version, isPreferred }) => [plural, version, isPreferred]),
    [
      ["services", "v1", true],
      ["virtualservices", "v1", true],
      ["virtualservices", "v1beta1", false],
    ],
  );
});
