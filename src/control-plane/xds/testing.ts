// What the tests of sessions share: small resource sets, and the property that every client model is held to.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Resource } from "#control-plane/generate/resource";
import type { ResourceSet } from "#control-plane/generate/resources";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";

type Texts = Readonly<Record<string, string>>;

function resources(typeUrl: string, texts: Texts): ReadonlyMap<string, Resource> {
  return new Map(Object.entries(texts).map(([name, text]) => [name, { name, typeUrl, value: Buffer.from(text) }]));
}

/** Each route's text is the list of clusters that it names. */
export function desired(parts: {
  readonly clusters?: Texts;
  readonly endpoints?: Texts;
  readonly listeners?: Texts;
  readonly routes?: Texts;
}): ResourceSet {
  return new Map([
    [CLUSTER_TYPE, resources(CLUSTER_TYPE, parts.clusters ?? {})],
    [ENDPOINT_TYPE, resources(ENDPOINT_TYPE, parts.endpoints ?? {})],
    [LISTENER_TYPE, resources(LISTENER_TYPE, parts.listeners ?? {})],
    [ROUTE_TYPE, resources(ROUTE_TYPE, parts.routes ?? {})],
  ]);
}

/** By type and name: the text of what a client has applied. */
export type Applied = ReadonlyMap<string, Map<string, string>>;

export function nothingApplied(): Applied {
  return new Map([CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE].map((type) => [type, new Map()]));
}

export function assertRoutesLead(have: Applied): void {
  for (const [route, text] of have.get(ROUTE_TYPE) ?? []) {
    for (const cluster of text.split(",").filter((name) => name !== "")) {
      assert.ok(have.get(CLUSTER_TYPE)?.has(cluster), `${route} names cluster ${cluster}, which the client does not have`);
      assert.ok(have.get(ENDPOINT_TYPE)?.has(cluster), `${route} names cluster ${cluster}, whose endpoints the client does not have`);
    }
  }
}

export interface ModelClient {
  readonly have: Applied;
  desire(set: ResourceSet, sequence: number): void;
  synced(sequence: number): boolean;
  /** Takes one response, if there is one. */
  step(): boolean;
}

/** Random changes against a client of any speed: after each step its routes lead somewhere, and in the end it has what is wanted. */
export function checkRandomChanges(makeClient: (initial: ResourceSet, clock: ManualClock) => ModelClient): void {
  const clusterNames = ["c0", "c1", "c2", "c3"];
  const state = fc.record({
    versions: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
    targets: fc.array(fc.subarray(clusterNames, { minLength: 0, maxLength: 3 }), { minLength: 2, maxLength: 2 }),
    endpoint: fc.integer({ min: 0, max: 2 }),
    steps: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(state, { minLength: 1, maxLength: 8 }), (states) => {
      const build = ({ versions, targets, endpoint }: (typeof states)[number]): ResourceSet => {
        // Version 0: the cluster is there only when a route names it.
        const live = clusterNames.filter((name, index) => versions[index] !== 0 || targets.some((target) => target.includes(name)));
        const texts = (text: (name: string) => string): Texts => Object.fromEntries(live.map((name) => [name, text(name)]));
        return desired({
          clusters: texts((name) => `cluster ${versions[clusterNames.indexOf(name)]}`),
          endpoints: texts(() => `endpoints ${endpoint}`),
          routes: { r0: targets[0]?.join(",") ?? "", r1: targets[1]?.join(",") ?? "" },
        });
      };
      const clock = new ManualClock();
      const client = makeClient(build(states[0]!), clock);
      let last = build(states[0]!);
      for (const [index, next] of states.entries()) {
        last = build(next);
        client.desire(last, index + 1);
        for (let step = 0; step < next.steps; step++) client.step();
      }
      while (client.step());
      assert.ok(client.synced(states.length), "the session knows that the client has everything");
      for (const typeUrl of [CLUSTER_TYPE, ENDPOINT_TYPE, ROUTE_TYPE]) {
        const want = [...(last.get(typeUrl) ?? [])].map(([name, { value }]): [string, string] => [name, Buffer.from(value).toString()]);
        assert.deepEqual(client.have.get(typeUrl), new Map(want), typeUrl);
      }
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 500 },
  );
}
