import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mesh } from "#control-plane/mesh/mesh";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { autoMutualTls } from "./auto-mutual-tls.ts";
import { endpointOf, HTTP_PORT, serviceOf } from "./testing.ts";

function meshWith(over: { mode?: "DISABLE" | "STRICT"; endpoints?: readonly ServiceEndpoint[]; config?: object; ca?: boolean } = {}): Mesh {
  return {
    config: over.config ?? {},
    hasCertificateAuthority: over.ca ?? true,
    mutualTlsMode: () => over.mode ?? "PERMISSIVE",
    endpoints: () => over.endpoints ?? [],
  } as unknown as Mesh;
}

const ask = (mesh: Mesh, service = serviceOf()) => autoMutualTls(mesh, service, HTTP_PORT, undefined, "");

test("the mesh's own services are offered mutual TLS unless mesh or namespace turn it off", () => {
  assert.equal(ask(meshWith()), true);
  assert.equal(ask(meshWith({ mode: "STRICT" })), true);
  assert.equal(ask(meshWith({ mode: "DISABLE" })), false);
  assert.equal(ask(meshWith({ config: { enableAutoMtls: false } })), false);
  assert.equal(ask(meshWith({ ca: false })), false);
  assert.equal(ask(meshWith(), serviceOf({ external: true })), false);
});

test("where endpoints cannot be told apart all of them must take it", () => {
  const headless = serviceOf({ resolution: "NONE" });
  const [takes, refuses] = [endpointOf({ tlsMode: "istio" }), endpointOf({ tlsMode: "disabled" })];
  assert.equal(ask(meshWith({ endpoints: [takes] }), headless), true);
  assert.equal(ask(meshWith({ endpoints: [takes, refuses] }), headless), false);
  assert.equal(ask(meshWith({ endpoints: [] }), headless), false);
  assert.equal(ask(meshWith({ endpoints: [takes, refuses] })), true);
});
