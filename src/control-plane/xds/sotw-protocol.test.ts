import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { ResourceSet } from "#control-plane/generate/resources";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";
import { DiscoverySession } from "./discovery-session.ts";
import { SotwProtocol } from "./sotw-protocol.ts";
import { assertRoutesLead, checkRandomChanges, desired, nothingApplied } from "./testing.ts";

function start(initial: ResourceSet, clock = new ManualClock()) {
  const protocol = new SotwProtocol();
  const sent: DiscoveryResponse[] = [];
  const session = new DiscoverySession({
    clock,
    send: (response) => sent.push(fromBinary(DiscoveryResponseSchema, protocol.write(response))),
    refusesWholeResponses: true,
  });
  session.setDesired(initial, "v0", 0);
  const ask = (typeUrl: string, names: readonly string[] = [], nonce = "", error?: string): void => {
    const asked = protocol.read(
      create(DiscoveryRequestSchema, {
        typeUrl,
        resourceNames: [...names],
        responseNonce: nonce,
        ...(error === undefined ? {} : { errorDetail: { code: 3, message: error } }),
      }),
    );
    if (asked !== undefined) session.receive(asked);
  };
  const take = (): DiscoveryResponse => {
    const next = sent.shift();
    assert.ok(next, "nothing was sent");
    return next;
  };
  return { session, sent, ask, take };
}

const texts = (response: DiscoveryResponse): readonly string[] => response.resources.map(({ value }) => Buffer.from(value).toString());

test("all clusters go out at every change of one, and what is gone is left out", () => {
  const { session, ask, take, sent } = start(desired({ clusters: { a: "a1", b: "b1" } }));
  ask(CLUSTER_TYPE);
  const first = take();
  assert.deepEqual(texts(first), ["a1", "b1"]);
  ask(CLUSTER_TYPE, [], first.nonce);
  session.setDesired(desired({ clusters: { a: "a2", b: "b1" } }), "v1", 1);
  const second = take();
  assert.deepEqual(texts(second), ["a2", "b1"]);
  assert.equal(second.versionInfo, "v1");
  ask(CLUSTER_TYPE, [], second.nonce);
  session.setDesired(desired({ clusters: { a: "a2" } }), "v2", 2);
  assert.deepEqual(texts(take()), ["a2"]);
  assert.equal(sent.length, 0);
});

test("a cluster stays until no route leads to it, then the clusters go out without it", () => {
  const { session, ask, take } = start(desired({ clusters: { a: "a", b: "b" }, endpoints: { a: "a", b: "b" }, routes: { r: "b" } }));
  ask(CLUSTER_TYPE);
  const clusters = take();
  ask(CLUSTER_TYPE, [], clusters.nonce);
  ask(ENDPOINT_TYPE, ["a", "b"]);
  ask(ENDPOINT_TYPE, ["a", "b"], take().nonce);
  ask(ROUTE_TYPE, ["r"]);
  ask(ROUTE_TYPE, ["r"], take().nonce);
  session.setDesired(desired({ clusters: { a: "a" }, endpoints: { a: "a" }, routes: { r: "a" } }), "v1", 1);
  const routes = take();
  assert.equal(routes.typeUrl, ROUTE_TYPE);
  ask(ROUTE_TYPE, ["r"], routes.nonce);
  const without = take();
  assert.equal(without.typeUrl, CLUSTER_TYPE);
  assert.deepEqual(texts(without), ["a"]);
});

test("names are compared with those of the request before: new ones are answered, repeated ones are not", () => {
  const { ask, take, sent } = start(desired({ routes: { "80": "", "9080": "" } }));
  ask(ROUTE_TYPE, ["80"]);
  const first = take();
  assert.equal(first.resources.length, 1);
  ask(ROUTE_TYPE, ["80"], first.nonce);
  assert.equal(sent.length, 0);
  ask(ROUTE_TYPE, ["80", "9080"], first.nonce);
  const second = take();
  assert.equal(second.resources.length, 1);
  ask(ROUTE_TYPE, ["9080"], second.nonce);
  ask(ROUTE_TYPE, ["80", "9080"], second.nonce);
  assert.equal(take().resources.length, 1, "a name that was dropped is new again");
});

test("a request that answers an older response says nothing, and a nonce of another stream neither", () => {
  const { session, ask, take, sent } = start(desired({ clusters: { a: "1" } }));
  ask(CLUSTER_TYPE, [], "nonce of the stream before");
  const first = take();
  ask(CLUSTER_TYPE, [], first.nonce);
  session.setDesired(desired({ clusters: { a: "2" } }), "v1", 1);
  const second = take();
  ask(CLUSTER_TYPE, [], first.nonce);
  assert.equal(session.status(CLUSTER_TYPE).status, "STALE");
  ask(CLUSTER_TYPE, [], second.nonce);
  assert.equal(session.status(CLUSTER_TYPE).status, "SYNCED");
  assert.equal(sent.length, 0);
});

test("clients may name listeners and clusters, and are told what there is of them", () => {
  const { ask, take, session } = start(desired({ listeners: { x: "x", y: "y" } }));
  ask(LISTENER_TYPE, ["x", "nowhere"]);
  const first = take();
  assert.deepEqual(texts(first), ["x"]);
  ask(LISTENER_TYPE, ["x", "nowhere"], first.nonce);
  session.setDesired(desired({ listeners: { x: "x", y: "y", nowhere: "n" } }), "v1", 1);
  assert.deepEqual(texts(take()), ["x", "n"]);
});

test("what was refused together with something wrong goes out again with the next change, and never before", () => {
  const { session, ask, take, sent } = start(desired({ routes: { good: "1", bad: "1" } }));
  ask(ROUTE_TYPE, ["good", "bad"]);
  ask(ROUTE_TYPE, ["good", "bad"], take().nonce);
  session.setDesired(desired({ routes: { good: "2", bad: "broken" } }), "v1", 1);
  const refused = take();
  assert.equal(refused.resources.length, 2);
  ask(ROUTE_TYPE, ["good", "bad"], refused.nonce, "bad: no such thing");
  assert.equal(sent.length, 0, "a refusal is not answered with the same again");
  assert.equal(session.status(ROUTE_TYPE).rejection?.message, "bad: no such thing");
  session.setDesired(desired({ routes: { good: "2", bad: "2" } }), "v2", 2);
  assert.deepEqual(texts(take()), ["2", "2"]);
});

/** A state-of-the-world client as Envoy is one. */
class SotwClient {
  readonly have = nothingApplied();
  readonly #harness: ReturnType<typeof start>;
  readonly #routes = ["r0", "r1"];

  constructor(initial: ResourceSet, clock: ManualClock) {
    this.#harness = start(initial, clock);
    this.#harness.ask(CLUSTER_TYPE);
    this.#harness.ask(LISTENER_TYPE);
    this.#harness.ask(ROUTE_TYPE, this.#routes);
  }

  desire(set: ResourceSet, sequence: number): void {
    this.#harness.session.setDesired(set, String(sequence), sequence);
  }

  synced(sequence: number): boolean {
    return this.#harness.session.syncedSequence === sequence;
  }

  step(): boolean {
    const response = this.#harness.sent.shift();
    if (response === undefined) return false;
    const { ask } = this.#harness;
    const endpoints = this.have.get(ENDPOINT_TYPE)!;
    const clusters = this.have.get(CLUSTER_TYPE)!;
    const [names, before] = [response.resources.map(({ value }) => nameIn(value)), new Set(clusters.keys())];
    const table = this.have.get(response.typeUrl)!;
    if (response.typeUrl === CLUSTER_TYPE) {
      for (const name of clusters.keys()) if (!names.includes(name)) endpoints.delete(name);
      clusters.clear();
    }
    for (const [index, { value }] of response.resources.entries()) {
      const name = names[index]!;
      if (response.typeUrl === ENDPOINT_TYPE && !clusters.has(name)) continue;
      table.set(
        name,
        Buffer.from(value)
          .toString()
          .slice(name.length + 1),
      );
    }
    const wanted = response.typeUrl === CLUSTER_TYPE ? [] : response.typeUrl === ROUTE_TYPE ? this.#routes : [...clusters.keys()];
    ask(response.typeUrl, wanted, response.nonce);
    if (response.typeUrl === CLUSTER_TYPE && [...clusters.keys()].join() !== [...before].join()) {
      ask(ENDPOINT_TYPE, [...clusters.keys()], this.#endpointNonce);
    }
    if (response.typeUrl === ENDPOINT_TYPE) this.#endpointNonce = response.nonce;
    assertRoutesLead(this.have);
    return true;
  }

  #endpointNonce = "";
}

/** These resources carry their name before a colon, because the protocol does not. */
function nameIn(value: Uint8Array): string {
  return Buffer.from(value).toString().split(":")[0]!;
}

function named(set: ResourceSet): ResourceSet {
  return new Map(
    [...set].map(([typeUrl, resources]) => [
      typeUrl,
      new Map(
        [...resources].map(([name, resource]) => [
          name,
          { ...resource, value: Buffer.concat([Buffer.from(`${name}:`), Buffer.from(resource.value)]) },
        ]),
      ),
    ]),
  );
}

test("whatever changes, a client of this protocol ends as one of the other, and no route ever leads to a missing cluster", () => {
  checkRandomChanges((initial, clock) => {
    const client = new SotwClient(named(initial), clock);
    return {
      have: client.have,
      desire: (set, sequence) => client.desire(named(set), sequence),
      synced: (sequence) => client.synced(sequence),
      step: () => client.step(),
    };
  });
});
