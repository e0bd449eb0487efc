import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  type DeltaDiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { ResourceSet } from "#control-plane/generate/resources";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";
import { fromDelta } from "./delta-protocol.ts";
import { deltaResponse } from "./encoded-response.ts";
import { DiscoverySession, SessionError, type ResourceRequest } from "./discovery-session.ts";
import { assertRoutesLead, checkRandomChanges, desired } from "./testing.ts";

interface Ask {
  readonly subscribe?: string[];
  readonly unsubscribe?: string[];
  readonly nonce?: string;
  readonly error?: string;
  readonly versions?: Record<string, string>;
}

function request(typeUrl: string, ask: Ask = {}): ResourceRequest {
  const delta = create(DeltaDiscoveryRequestSchema, {
    typeUrl,
    resourceNamesSubscribe: ask.subscribe ?? [],
    resourceNamesUnsubscribe: ask.unsubscribe ?? [],
    responseNonce: ask.nonce ?? "",
    initialResourceVersions: ask.versions ?? {},
    ...(ask.error === undefined ? {} : { errorDetail: { code: 3, message: ask.error } }),
  });
  return fromDelta(delta);
}

function start(initial: ResourceSet) {
  const clock = new ManualClock();
  const sent: DeltaDiscoveryResponse[] = [];
  const synced: number[] = [];
  const session = new DiscoverySession({
    clock,
    send: (response) => sent.push(fromBinary(DeltaDiscoveryResponseSchema, deltaResponse(response))),
    onSynced: (sequence) => synced.push(sequence),
  });
  session.setDesired(initial, "v1", 1);
  const take = (): DeltaDiscoveryResponse => {
    const next = sent.shift();
    assert.ok(next, "nothing was sent");
    return next;
  };
  const ack = (response: DeltaDiscoveryResponse): void => session.receive(request(response.typeUrl, { nonce: response.nonce }));
  return { clock, sent, synced, session, take, ack };
}

const namesOf = (response: DeltaDiscoveryResponse): readonly string[] => response.resources.map(({ name }) => name);

/** Subscribes to everything and acknowledges until nothing is sent. */
function settle(harness: ReturnType<typeof start>, endpoints: string[], routes: string[]): void {
  const { session, sent, ack } = harness;
  session.receive(request(CLUSTER_TYPE));
  session.receive(request(ENDPOINT_TYPE, { subscribe: endpoints }));
  session.receive(request(LISTENER_TYPE));
  session.receive(request(ROUTE_TYPE, { subscribe: routes }));
  for (let response = sent.shift(); response !== undefined; response = sent.shift()) ack(response);
}

test("a wildcard subscription gets everything, and an acknowledged resource never again", () => {
  const { session, take, ack, sent } = start(desired({ clusters: { a: "1", b: "1" } }));
  session.receive(request(CLUSTER_TYPE));
  const first = take();
  assert.deepEqual(namesOf(first), ["a", "b"]);
  ack(first);
  session.setDesired(desired({ clusters: { a: "1", b: "2" } }), "v2", 2);
  const second = take();
  assert.deepEqual(namesOf(second), ["b"]);
  assert.equal(second.systemVersionInfo, "v2");
  assert.notEqual(second.resources[0]?.version, first.resources[1]?.version);
  ack(second);
  session.setDesired(desired({ clusters: { a: "1", b: "2" } }), "v3", 3);
  assert.equal(sent.length, 0);
});

test("a first request is answered even when there is nothing", () => {
  const { session, take, ack, sent } = start(desired({}));
  session.receive(request(LISTENER_TYPE));
  const answer = take();
  assert.deepEqual([answer.resources.length, answer.removedResources.length], [0, 0]);
  ack(answer);
  assert.equal(sent.length, 0);
});

test("names that lead nowhere are said to be absent, once, and come when they exist", () => {
  const { session, take, ack, sent } = start(desired({}));
  session.receive(request(ROUTE_TYPE, { subscribe: ["http.8080"] }));
  const answer = take();
  assert.deepEqual(answer.removedResources, ["http.8080"]);
  ack(answer);
  assert.equal(sent.length, 0);
  session.setDesired(desired({ routes: { "http.8080": "x" } }), "v2", 2);
  assert.deepEqual(namesOf(take()), ["http.8080"]);
});

test("a route to a new cluster waits for the cluster and its endpoints", () => {
  const harness = start(desired({ clusters: { a: "1" }, endpoints: { a: "1" }, routes: { r: "a" } }));
  const { session, take, ack, sent } = harness;
  settle(harness, ["a"], ["r"]);
  session.setDesired(desired({ clusters: { a: "1", b: "1" }, endpoints: { a: "1", b: "1" }, routes: { r: "b" } }), "v2", 2);
  const clusters = take();
  assert.equal(clusters.typeUrl, CLUSTER_TYPE);
  assert.equal(sent.length, 0, "the route waits for the acknowledgement");
  ack(clusters);
  assert.equal(sent.length, 0, "and for the endpoints of the new cluster");
  session.receive(request(ENDPOINT_TYPE, { subscribe: ["b"] }));
  const endpoints = take();
  assert.deepEqual(namesOf(endpoints), ["b"]);
  assert.equal(sent.length, 0);
  ack(endpoints);
  const routes = take();
  assert.equal(routes.typeUrl, ROUTE_TYPE);
  ack(routes);
  assert.deepEqual(harness.synced.at(-1), 2);
});

test("a cluster goes only after the route that used it has been replaced and acknowledged", () => {
  const harness = start(desired({ clusters: { a: "1", b: "1" }, endpoints: { a: "1", b: "1" }, routes: { r: "a" } }));
  const { session, take, ack, sent, synced } = harness;
  settle(harness, ["a", "b"], ["r"]);
  session.setDesired(desired({ clusters: { b: "1" }, endpoints: { b: "1" }, routes: { r: "b" } }), "v2", 2);
  const routes = take();
  assert.equal(routes.typeUrl, ROUTE_TYPE);
  assert.equal(sent.length, 0);
  assert.notEqual(synced.at(-1), 2);
  ack(routes);
  const removal = take();
  assert.deepEqual([removal.typeUrl, removal.removedResources], [CLUSTER_TYPE, ["a"]]);
  session.receive(request(ENDPOINT_TYPE, { unsubscribe: ["a"] }));
  ack(removal);
  assert.equal(sent.length, 0);
  assert.equal(synced.at(-1), 2);
});

test("a client that never asks for endpoints does not hold routes up for ever", () => {
  const harness = start(desired({}));
  const { session, take, ack, sent, clock } = harness;
  session.receive(request(CLUSTER_TYPE));
  ack(take());
  session.receive(request(ROUTE_TYPE, { subscribe: ["r"] }));
  ack(take());
  session.setDesired(desired({ clusters: { a: "1" }, endpoints: { a: "1" }, routes: { r: "a" } }), "v2", 2);
  ack(take());
  assert.equal(sent.length, 0);
  clock.advance(5_000);
  assert.equal(take().typeUrl, ROUTE_TYPE);
  assert.equal(clock.pending, 0);
});

test("a changed cluster gets its endpoints once more: Envoy rebuilds it and waits for them", () => {
  const harness = start(desired({ clusters: { a: "1" }, endpoints: { a: "1" } }));
  const { session, take, ack } = harness;
  settle(harness, ["a"], []);
  session.setDesired(desired({ clusters: { a: "2" }, endpoints: { a: "1" } }), "v2", 2);
  ack(take());
  const again = take();
  assert.deepEqual([again.typeUrl, namesOf(again)], [ENDPOINT_TYPE, ["a"]]);
});

test("what was refused can be acknowledged later, until something else was sent", () => {
  const harness = start(desired({ listeners: { l: "1" } }));
  const { session, take } = harness;
  session.receive(request(LISTENER_TYPE));
  const refused = take();
  session.receive(request(LISTENER_TYPE, { nonce: refused.nonce, error: "port taken" }));
  assert.equal(session.status(LISTENER_TYPE).status, "STALE");
  session.receive(request(LISTENER_TYPE, { nonce: "LDS-0" }));
  assert.equal(session.status(LISTENER_TYPE).status, "STALE", "not by another nonce");
  session.receive(request(LISTENER_TYPE, { nonce: refused.nonce }));
  assert.equal(session.status(LISTENER_TYPE).status, "SYNCED");
  assert.equal(session.status(LISTENER_TYPE).nonceAcked, refused.nonce);
});

test("what a proxy says of its refusal neither floods nor steers whoever reads it", () => {
  const harness = start(desired({ clusters: { a: "1" } }));
  const { session, take } = harness;
  settle(harness, [], []);
  session.setDesired(desired({ clusters: { a: "bad" } }), "v2", 2);
  session.receive(request(CLUSTER_TYPE, { nonce: take().nonce, error: `\u001b[2Jbad\u202e\nline\r${"x".repeat(100_000)}` }));
  const message = session.status(CLUSTER_TYPE).rejection?.message ?? "";
  assert.ok(message.startsWith(" [2Jbad \nline xxx"), JSON.stringify(message.slice(0, 40)));
  assert.ok(message.length < 5000);
});

test("a refused resource is shown, is not sent again, and does not stop the rest", () => {
  const harness = start(desired({ clusters: { a: "1" }, routes: { r: "a" } }));
  const { session, take, sent } = harness;
  settle(harness, [], ["r"]);
  session.setDesired(desired({ clusters: { a: "bad" }, routes: { r: "a,a" } }), "v2", 2);
  const bad = take();
  session.receive(request(CLUSTER_TYPE, { nonce: bad.nonce, error: "no such load balancer" }));
  assert.equal(session.status(CLUSTER_TYPE).status, "STALE");
  assert.equal(session.status(CLUSTER_TYPE).rejection?.message, "no such load balancer");
  const routes = take();
  assert.equal(routes.typeUrl, ROUTE_TYPE);
  session.receive(request(ROUTE_TYPE, { nonce: routes.nonce }));
  session.setDesired(desired({ clusters: { a: "bad" }, routes: { r: "a,a" } }), "v3", 3);
  assert.equal(sent.length, 0, "the same bytes never come again");
  session.setDesired(desired({ clusters: { a: "good" }, routes: { r: "a,a" } }), "v4", 4);
  const good = take();
  session.receive(request(CLUSTER_TYPE, { nonce: good.nonce }));
  assert.equal(session.status(CLUSTER_TYPE).status, "SYNCED");
});

test("a client that comes back is sent only what differs", () => {
  const before = start(desired({ clusters: { a: "1", b: "1", c: "1" } }));
  before.session.receive(request(CLUSTER_TYPE));
  const versions = Object.fromEntries(before.take().resources.map(({ name, version }) => [name, version]));
  const same = start(desired({ clusters: { a: "1", b: "1", c: "1" } }));
  same.session.receive(request(CLUSTER_TYPE, { versions }));
  assert.equal(same.sent.length, 0);
  assert.equal(same.session.status(CLUSTER_TYPE).status, "SYNCED");
  const changed = start(desired({ clusters: { a: "1", b: "2" } }));
  changed.session.receive(request(CLUSTER_TYPE, { versions }));
  const response = changed.take();
  assert.deepEqual(namesOf(response), ["b"]);
  changed.ack(response);
  assert.deepEqual(changed.take().removedResources, ["c"]);
});

test("changes while a response is in flight merge into one", () => {
  const { session, take, ack, sent } = start(desired({ clusters: { a: "1" } }));
  session.receive(request(CLUSTER_TYPE));
  const first = take();
  for (let version = 2; version < 10; version++) session.setDesired(desired({ clusters: { a: String(version) } }), `v${version}`, version);
  assert.equal(sent.length, 0);
  ack(first);
  const second = take();
  assert.equal(Buffer.from(second.resources[0]?.resource?.value ?? []).toString(), "9");
  session.receive(request(CLUSTER_TYPE, { nonce: first.nonce }));
  assert.equal(session.status(CLUSTER_TYPE).status, "STALE", "an old nonce acknowledges nothing");
  ack(second);
  assert.equal(session.status(CLUSTER_TYPE).status, "SYNCED");
});

test("endpoints that change faster than the client answers hold up neither routes nor whoever waits for them", () => {
  const harness = start(desired({ clusters: { a: "1" }, endpoints: { a: "1" }, routes: { r: "a" } }));
  const { session, sent, ack, synced } = harness;
  settle(harness, ["a"], ["r"]);
  let routes = 0;
  for (let version = 2; version < 20; version++) {
    session.setDesired(
      desired({ clusters: { a: "1" }, endpoints: { a: String(version) }, routes: { r: version < 5 ? "a" : "a," } }),
      `v${version}`,
      version,
    );
    if (version % 2 === 1) continue;
    // By the time of each answer there is a newer version.
    const responses = sent.splice(0);
    session.setDesired(
      desired({ clusters: { a: "1" }, endpoints: { a: `${version}.5` }, routes: { r: version < 5 ? "a" : "a," } }),
      `v${version}.5`,
      version + 0.5,
    );
    for (const response of responses) {
      if (response.typeUrl === ROUTE_TYPE) routes++;
      ack(response);
    }
  }
  assert.equal(routes, 1);
  assert.ok(synced.length > 5 && synced.at(-1)! > 15, `told to be at ${synced.join(", ")}`);
});

test("large sets go out in several responses", () => {
  const big = "x".repeat(900_000);
  const { session, take, ack, sent } = start(desired({ clusters: { a: big, b: big, c: big } }));
  session.receive(request(CLUSTER_TYPE));
  const first = take();
  assert.deepEqual(namesOf(first), ["a", "b"]);
  ack(first);
  const second = take();
  assert.deepEqual(namesOf(second), ["c"]);
  ack(second);
  assert.equal(sent.length, 0);
});

test("types that nothing is generated for are answered, and nonsense ends the stream", () => {
  const { session, take } = start(desired({}));
  session.receive(request(SECRET_TYPE, { subscribe: ["default"] }));
  assert.deepEqual(take().removedResources, ["default"]);
  assert.throws(() => session.receive(request("")), SessionError);
  for (let index = 0; index < 31; index++) session.receive(request(`type.googleapis.com/test.T${index}`));
  assert.throws(() => session.receive(request("type.googleapis.com/test.More")), SessionError);
});

/** A client as Envoy is one: applies what it gets, asks for the endpoints of its clusters and the routes of its listeners. */
class ModelClient {
  readonly have = new Map<string, Map<string, string>>(
    [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE].map((type) => [type, new Map()]),
  );
  readonly inbox: DeltaDiscoveryResponse[] = [];
  readonly #session: DiscoverySession;
  constructor(initial: ResourceSet, clock: ManualClock) {
    this.#session = new DiscoverySession({
      clock,
      send: (response) => this.inbox.push(fromBinary(DeltaDiscoveryResponseSchema, deltaResponse(response))),
    });
    this.#session.setDesired(initial, "0", 0);
    this.#session.receive(request(CLUSTER_TYPE));
    this.#session.receive(request(LISTENER_TYPE));
    this.#session.receive(request(ROUTE_TYPE, { subscribe: ["r0", "r1"] }));
  }
  desire(set: ResourceSet, sequence: number): void {
    this.#session.setDesired(set, String(sequence), sequence);
  }
  synced(sequence: number): boolean {
    return this.#session.syncedSequence === sequence;
  }
  /** Takes one response, if there is one. */
  step(): boolean {
    const response = this.inbox.shift();
    if (response === undefined) return false;
    const table = this.have.get(response.typeUrl);
    assert.ok(table);
    const added: string[] = [];
    for (const { name, version, resource } of response.resources) {
      const text = Buffer.from(resource?.value ?? []).toString();
      if (response.typeUrl === CLUSTER_TYPE && !table.has(name)) added.push(name);
      assert.ok(version !== "");
      // Endpoints of a cluster that it has just dropped are none of its business any more.
      if (response.typeUrl === ENDPOINT_TYPE && this.have.get(CLUSTER_TYPE)?.has(name) !== true) continue;
      table.set(name, text);
    }
    for (const name of response.removedResources) table.delete(name);
    this.#session.receive(request(response.typeUrl, { nonce: response.nonce }));
    if (response.typeUrl === CLUSTER_TYPE) {
      for (const name of response.removedResources) this.have.get(ENDPOINT_TYPE)?.delete(name);
      this.#session.receive(request(ENDPOINT_TYPE, { subscribe: added, unsubscribe: [...response.removedResources] }));
    }
    this.check();
    return true;
  }
  check(): void {
    assertRoutesLead(this.have);
  }
}

test("whatever changes and however slow the client is, no route ever leads to a missing cluster, and in the end all is there", () => {
  checkRandomChanges((initial, clock) => new ModelClient(initial, clock));
});
