import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "#api/object";
import { objectSet } from "#control-plane/config/immutable-object-set";
import { ResourceCache } from "#control-plane/generate/resource-cache";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import type { Mesh } from "#control-plane/mesh/mesh";
import { DOMAIN, object } from "#control-plane/mesh/testing";
import { buildRegistry } from "#control-plane/registry/build-registry";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { ProxyConnection, type Push } from "./proxy-connection.ts";
import { PushMetrics } from "./push-metrics.ts";

const service = (name: string, exportTo: string): ApiObject =>
  object(
    "Service",
    name,
    { ports: [{ name: "http", port: 80 }], clusterIP: "10.96.0.1" },
    { annotations: { "networking.istio.io/exportTo": exportTo } },
  );
const slice = (name: string, address: string): ApiObject =>
  object(
    "EndpointSlice",
    name,
    { addressType: "IPv4", endpoints: [{ addresses: [address] }], ports: [{ name: "http", port: 80 }] },
    { labels: { "kubernetes.io/service-name": name } },
  );

interface Made {
  readonly mesh: Mesh;
  readonly registry: RegistrySnapshot;
}
const meshConfigDefaults = {};
const services = [service("seen", "*"), service("hidden", "other")];

function build(version: number, slices: readonly ApiObject[], before?: Made): Made {
  const objects = objectSet(version, [...services, ...slices]);
  const registry = buildRegistry({ objects, registered: [], domain: DOMAIN }, before?.registry);
  const inputs = { version: String(version), objects, registry, meshConfigDefaults, domain: DOMAIN, hasCertificateAuthority: false };
  return { mesh: buildMesh(inputs, before?.mesh), registry };
}

test("a change of endpoints that a proxy cannot see generates nothing for it", () => {
  const cache = new ResourceCache();
  let sequence = 0;
  const pushOf = ({ mesh }: Made): Push => ({ mesh, sequence: ++sequence, cache, startedMs: 0 });
  const seen = slice("seen", "10.0.0.1");
  const hidden = slice("hidden", "10.0.0.3");
  const first = build(1, [seen, slice("hidden", "10.0.0.2")]);
  const start = pushOf(first);
  const connection = new ProxyConnection({
    id: 1,
    clock: new ManualClock(),
    log: silentLog,
    metrics: new PushMetrics(),
    send: () => undefined,
    currentPush: () => start,
    onSynced: () => undefined,
    onRejections: () => undefined,
    refusesWholeResponses: false,
    onlyType: undefined,
  });
  const id = "sidecar~10.0.0.9~a.default~default.svc.cluster.local";
  connection.receive(
    { typeUrl: CLUSTER_TYPE, subscribe: [], unsubscribe: [], nonce: "", error: undefined, versions: {} },
    create(NodeSchema, { id }),
  );
  const before = connection.resources;
  const second = build(2, [seen, hidden], first);
  connection.push(pushOf(second), "endpoints");
  assert.equal(connection.resources, before);
  const third = build(3, [slice("seen", "10.0.0.4"), hidden], second);
  connection.push(pushOf(third), "endpoints");
  assert.notEqual(connection.resources, before);
  assert.notEqual(connection.resources.get(ENDPOINT_TYPE), before.get(ENDPOINT_TYPE));
  assert.equal(connection.resources.get(CLUSTER_TYPE), before.get(CLUSTER_TYPE));
});
