import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { DeltaDiscoveryResponseSchema, ResourceSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { RuntimeSchema } from "#envoy/gen/envoy/service/runtime/v3/rtds_pb";
import { pack } from "#envoy/any";
import { CLUSTER_TYPE, RUNTIME_TYPE } from "#envoy/type-urls";
import { ADS } from "#proxy/resource-source";
import type { ResourceSource } from "#proxy/resource-source";
import { ManualClock, realClock } from "#runtime/clock";
import { FakeAdsServer, resource } from "./ads-server.fake.ts";
import { RuntimeSources } from "./runtime-sources.ts";
import { clientOf } from "./xds-client.fake.ts";

const layer = (name: string, source: ResourceSource = ADS, initialFetchTimeoutMs = 15_000) =>
  ({ kind: "rtds", name, resource: `${name}-resource`, source, initialFetchTimeoutMs }) as const;

class Bench {
  readonly clock = new ManualClock();
  readonly set: (readonly [layer: string, values: Record<string, string> | undefined])[] = [];
  readonly opened: (readonly [path: string, names: readonly string[]])[] = [];
  ready = 0;
  readonly missing: string[] = [];
  readonly sources: RuntimeSources;

  constructor(...layers: ReturnType<typeof layer>[]) {
    this.sources = new RuntimeSources({
      layers,
      clock: this.clock,
      onMissing: (layer, cause) => void this.missing.push(`${layer} ${cause}`),
      setLayer: (name, values) =>
        this.set.push([name, values === undefined ? undefined : Object.fromEntries([...values].map(([key, { text }]) => [key, text]))]),
      open: (source) => ({
        want: (names) => this.opened.push([source.kind === "path" ? source.path : source.cluster, [...names]]),
        close: () => {},
      }),
    });
    this.sources.start(() => this.ready++);
  }

  receive(resources: Readonly<Record<string, JsonObject>>, removedResources: string[] = []): ReturnType<RuntimeSources["receive"]> {
    const wrapped = Object.entries(resources).map(([name, struct]) =>
      create(ResourceSchema, { name, version: "1", resource: pack(RuntimeSchema, create(RuntimeSchema, { name, layer: struct })) }),
    );
    return this.sources.receive(create(DeltaDiscoveryResponseSchema, { typeUrl: RUNTIME_TYPE, resources: wrapped, removedResources }));
  }
}

test("a layer is what its resource says, until that is gone", () => {
  const bench = new Bench(layer("a"));
  assert.deepEqual([...bench.sources.subscription.names], ["a-resource"]);
  assert.deepEqual(bench.receive({ "a-resource": { x: { y: 1 } } }), { refused: [], changed: true });
  assert.deepEqual(bench.receive({}, ["a-resource"]), { refused: [], changed: true });
  assert.deepEqual(bench.set, [
    ["a", { "x.y": "1" }],
    ["a", undefined],
  ]);
});

test("what is no layer, or has a bad value, is refused by name, and the last good one stays", () => {
  const bench = new Bench(layer("a"));
  assert.match(bench.receive({ other: {} }).refused.join(), /there is no runtime layer "other"/);
  assert.match(bench.receive({ "a-resource": { x: [1] } }).refused.join(), /layer\["x"\]: is neither a number/);
  assert.deepEqual(bench.set, []);
});

test("the start waits until each layer was answered, refused or waited for long enough", () => {
  const bench = new Bench(layer("a"), layer("b"), layer("c", ADS, 3_000));
  assert.equal(bench.ready, 0);
  bench.receive({ "a-resource": {} });
  bench.receive({ "b-resource": { x: null } });
  assert.equal(bench.ready, 0);
  bench.clock.advance(3_000);
  assert.deepEqual([bench.ready, bench.missing], [1, ["c timeout"]]);
  assert.equal(bench.clock.pending, 0);
  assert.equal(new Bench().ready, 1, "without layers nobody waits");
  const forever = new Bench(layer("a", ADS, 0));
  forever.clock.advance(3_600_000);
  assert.equal(forever.ready, 0);
});

test("as in Envoy, nobody waits for what a file does not hold", () => {
  const file = (path: string) => ({ kind: "path", path, watchedDirectory: undefined }) as const;
  const bench = new Bench(layer("a", file("/f")), layer("b", file("/f")), layer("c", file("/g")));
  bench.sources.heard(file("/g"));
  assert.equal(bench.ready, 0);
  bench.sources.heard(file("/f"));
  bench.sources.heard(file("/f"));
  assert.deepEqual([bench.ready, bench.missing, bench.clock.pending], [1, ["c absent", "a absent", "b absent"], 0]);
});

test("layers of one file or server are asked for together", () => {
  const file = { kind: "path", path: "/f", watchedDirectory: undefined } as const;
  const bench = new Bench(layer("a", file), layer("b", file), layer("c", { kind: "grpc", cluster: "xds", protocol: "sotw" }));
  assert.deepEqual(bench.opened, [
    ["/f", ["a-resource", "b-resource"]],
    ["xds", ["c-resource"]],
  ]);
  assert.equal(bench.sources.subscription.names.size, 0);
  bench.sources.close();
  assert.equal(bench.clock.pending, 0);
});

test("over ADS layers are asked for first; clusters when they are there", { timeout: 20_000 }, async () => {
  const server = new FakeAdsServer();
  await server.start();
  const set: string[] = [];
  const client = clientOf([server], realClock, {
    runtime: { layers: [layer("a")], setLayer: (name, values) => set.push(`${name} ${values?.get("x")?.text}`) },
  });
  const started = client.start();
  assert.deepEqual((await server.subscription(RUNTIME_TYPE)).resourceNamesSubscribe, ["a-resource"]);
  assert.deepEqual(server.requests, []);
  const first = server.send(RUNTIME_TYPE, [resource("a-resource", "1", RuntimeSchema, { name: "a-resource", layer: { x: 5 } })]);
  assert.equal((await server.answer(first)).errorDetail, undefined);
  await started;
  assert.deepEqual(set, ["a 5"]);
  await server.subscription(CLUSTER_TYPE);
  const bad = server.send(RUNTIME_TYPE, [resource("a-resource", "2", RuntimeSchema, { name: "a-resource", layer: { x: null } })]);
  assert.match((await server.answer(bad)).errorDetail?.message ?? "", /layer\["x"\]/);
  assert.deepEqual(set, ["a 5"]);
  client.close();
  server.stop();
});
