import assert from "node:assert/strict";
import { test } from "node:test";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { ConfigState } from "./config-state.ts";
import { BindError } from "./resource-facts.ts";
import type { IncomingResource, ResponseResult } from "./response-result.ts";
import type { ProxyUpdate } from "./proxy-update.ts";

// Resources in these tests are JSON of what the checks would find out.
const bytes = (facts: object): Uint8Array => Buffer.from(JSON.stringify(facts));
const cluster = (name: string, timeoutMs = 15_000, extra = ""): IncomingResource => ({
  name,
  version: "1",
  bytes: bytes({ name, endpoints: { name, timeoutMs }, extra }),
});
const plainCluster = (name: string): IncomingResource => ({ name, version: "1", bytes: bytes({ name }) });
const assignment = (name: string, extra = ""): IncomingResource => ({ name, version: "1", bytes: bytes({ name, extra }) });
const route = (name: string, ...clusters: string[]): IncomingResource => ({ name, version: "1", bytes: bytes({ name, clusters }) });
const listener = (name: string, timeoutMs: number, ...routes: string[]): IncomingResource => ({
  name,
  version: "1",
  bytes: bytes({ name, clusters: [], routes: routes.map((need) => ({ name: need, timeoutMs, statPrefix: "p" })) }),
});

interface Bench {
  readonly state: ConfigState;
  readonly clock: ManualClock;
  /** What went to the threads, in short: `+c:name`, `-l:name`. */
  readonly log: string[];
  readonly gone: string[];
  /** Listeners whose address somebody else listens on. */
  readonly taken: Set<string>;
  /** Listeners that turned out so long after they were accepted. */
  readonly unbound: string[];
  /** Clusters whose hosts were all checked. */
  readonly healthy: Set<string>;
  readonly receive: (type: string, resources: readonly IncomingResource[], removed?: readonly string[]) => ResponseResult;
  /** Threads answer. */
  readonly finish: () => Promise<void>;
}

function bench(): Bench {
  const clock = new ManualClock();
  const log: string[] = [];
  const gone: string[] = [];
  const taken = new Set<string>();
  const unbound: string[] = [];
  const healthy = new Set<string>();
  let waiting: (() => void)[] = [];
  const parse = (data: Uint8Array): never => {
    const facts = JSON.parse(Buffer.from(data).toString()) as { clusters?: string[]; bad?: string; bind?: boolean };
    if (facts.bind === true) throw new BindError("cannot bind");
    if (facts.bad !== undefined) throw new Error(facts.bad);
    return { secrets: [], ...facts, clusters: new Set(facts.clusters) } as never;
  };
  const state = new ConfigState({
    clock,
    log: silentLog,
    checks: { secret: parse, cluster: parse, assignment: parse, route: parse, listener: parse },
    target: {
      apply(update: ProxyUpdate) {
        const names = (sign: string, list: readonly ({ readonly name: string } | string)[]): void => {
          for (const item of list) log.push(`${sign}${typeof item === "string" ? item : item.name}`);
        };
        names("+s:", update.secrets);
        names("+c:", update.clusters);
        names("+e:", update.assignments);
        names("+r:", update.routes);
        names("+l:", update.listeners);
        names("-l:", update.removedListeners);
        names("-r:", update.removedRoutes);
        names("-c:", update.removedClusters);
        names("-e:", update.removedAssignments);
        names("-s:", update.removedSecrets);
        return new Promise((resolve) => waiting.push(() => resolve([])));
      },
    },
    healthKnown: (cluster) => healthy.has(cluster),
    onChange: () => {},
    listen: (name) => (taken.has(name) ? `cannot listen: ${name}` : undefined),
    onUnbound: (listeners) => unbound.push(...listeners.map(({ resource: { name, version }, reason }) => `${name} ${version}: ${reason}`)),
    onListenerGone: (name) => gone.push(name),
  });
  return {
    state,
    clock,
    log,
    gone,
    taken,
    unbound,
    healthy,
    receive: (type, resources, removed = []) => state.receive(type, resources, removed),
    async finish() {
      for (const resolve of waiting) resolve();
      waiting = [];
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("a cluster goes live with its endpoints, a listener with its routes", async () => {
  const { receive, log, state, finish } = bench();
  receive(CLUSTER_TYPE, [cluster("a")]);
  assert.deepEqual(log, []);
  assert.deepEqual([...state.needs.endpoints.keys()], ["a"]);
  receive(ENDPOINT_TYPE, [assignment("a")]);
  assert.deepEqual(log.splice(0), ["+c:a", "+e:a"]);
  receive(LISTENER_TYPE, [listener("l", 0, "r1", "r2")]);
  const half = receive(ROUTE_TYPE, [route("r1", "a")]);
  assert.deepEqual(log.splice(0), ["+r:r1"]);
  assert.equal(await isSettled(half.live), false, "it is not live before the threads say so");
  await finish();
  assert.equal(await isSettled(half.live), true);
  receive(ROUTE_TYPE, [route("r2", "a")]);
  assert.deepEqual(log, ["+r:r2", "+l:l"]);
});

test("a cluster whose hosts are checked waits until each was asked once, and for nothing where there are none", () => {
  const { receive, log, state, healthy } = bench();
  const checked = (name: string): IncomingResource => {
    const plain = cluster(name);
    const facts = JSON.parse(Buffer.from(plain.bytes).toString()) as object;
    return { ...plain, bytes: Buffer.from(JSON.stringify({ ...facts, healthChecked: { discovery: { kind: "eds" } } })) };
  };
  receive(CLUSTER_TYPE, [checked("a")]);
  assert.equal(state.needs.healthChecks.get("a")?.assignment, undefined);
  receive(ENDPOINT_TYPE, [assignment("a")]);
  assert.deepEqual(log.splice(0), ["+e:a"]);
  assert.ok(state.needs.healthChecks.get("a")?.assignment);
  healthy.add("a");
  state.healthChanged();
  assert.deepEqual(log.splice(0), ["+c:a"]);
  receive(CLUSTER_TYPE, [checked("b")]);
  receive(ENDPOINT_TYPE, [], ["b"]);
  assert.deepEqual(log, ["+c:b"]);
});

test("nobody waits on for what has come", () => {
  const { receive, clock } = bench();
  receive(CLUSTER_TYPE, [cluster("a")]);
  receive(LISTENER_TYPE, [listener("l", 15_000, "r")]);
  assert.equal(clock.pending, 2);
  receive(ENDPOINT_TYPE, [assignment("a")]);
  receive(ROUTE_TYPE, [route("r", "a")]);
  assert.equal(clock.pending, 0);
});

test("a resource with the same bytes is not applied again, whatever its version", () => {
  const { receive, log } = bench();
  receive(CLUSTER_TYPE, [plainCluster("a")]);
  log.length = 0;
  const again = receive(CLUSTER_TYPE, [{ ...plainCluster("a"), version: "77" }]);
  assert.equal(again.changed, false);
  assert.deepEqual(
    again.accepted.map(({ version }) => version),
    ["77"],
  );
  assert.deepEqual(log, []);
});

test("a bad resource is refused alone and the last good one stays", () => {
  const { receive, log, state } = bench();
  receive(CLUSTER_TYPE, [plainCluster("a")]);
  const result = receive(CLUSTER_TYPE, [
    { name: "a", version: "2", bytes: bytes({ name: "a", bad: "cluster a: type: no" }) },
    plainCluster("b"),
    { name: "c", version: "1", bytes: bytes({ name: "other" }) },
  ]);
  assert.deepEqual(result.refused, ["cluster a: type: no", 'resource "c" calls itself "other"']);
  assert.deepEqual(log, ["+c:a", "+c:b"]);
  assert.equal(state.clusters.get("a")?.live?.version, "1");
});

test("a listener whose address is taken is told apart from a bad one", () => {
  const { receive } = bench();
  const result = receive(LISTENER_TYPE, [{ name: "l", version: "1", bytes: bytes({ name: "l", bind: true }) }]);
  assert.deepEqual(
    result.unbound.map(({ resource: { name } }) => name),
    ["l"],
  );
  assert.deepEqual(result.refused, ["cannot bind"]);
});

test("a listener that cannot listen is refused, and the one before it stays live", () => {
  const { receive, log, state, taken, unbound } = bench();
  receive(LISTENER_TYPE, [listener("l", 0)]);
  taken.add("l").add("new");
  const result = receive(LISTENER_TYPE, [{ ...listener("l", 1, "r"), version: "2" }, listener("new", 0), listener("ok", 0)]);
  assert.deepEqual(result.refused, ["cannot listen: new"], "the other waits for its routes");
  assert.deepEqual(
    [result.unbound, result.accepted].map((list) => list.length),
    [1, 2],
  );
  assert.equal(state.listeners.get("new"), undefined);
  assert.deepEqual(unbound, []);
  receive(ROUTE_TYPE, [route("r")]);
  assert.deepEqual(unbound, ["l 2: cannot listen: l"], "told late, because its answer was given");
  assert.equal(state.listeners.get("l")?.newest?.version, "1");
  assert.deepEqual(log, ["+l:l", "+l:ok", "+r:r", "-r:r"]);
  taken.clear();
  receive(LISTENER_TYPE, [listener("l", 0, "s"), listener("new", 0)]);
  receive(ROUTE_TYPE, [route("s")]);
  assert.deepEqual(log.slice(-4), ["-r:r", "+l:new", "+r:s", "+l:l"]);
});

test("the fetch timeout ends the wait for endpoints, and 0 waits for ever", () => {
  const { receive, log, clock } = bench();
  receive(CLUSTER_TYPE, [cluster("a", 15_000), cluster("b", 0)]);
  clock.advance(14_999);
  assert.deepEqual(log, []);
  clock.advance(1);
  assert.deepEqual(log, ["+c:a"]);
  clock.advance(1_000_000);
  assert.deepEqual(log, ["+c:a"]);
  receive(ENDPOINT_TYPE, [], ["b"]);
  assert.deepEqual(log, ["+c:a", "+c:b"], "a server that says there are none is believed");
});

test("the old cluster serves while the new one warms, and a listener that waits for routes keeps its old self", () => {
  const { receive, log, state } = bench();
  receive(CLUSTER_TYPE, [plainCluster("a")]);
  receive(CLUSTER_TYPE, [cluster("a")]);
  assert.deepEqual(log, ["+c:a"]);
  assert.equal(state.clusters.get("a")?.waitsForTheFirstTime, false);
  receive(ENDPOINT_TYPE, [assignment("a")]);
  assert.deepEqual(log.slice(1), ["+c:a", "+e:a"]);
});

test("routes wait for clusters that were never live, at most for a while", () => {
  const { receive, log, clock } = bench();
  receive(LISTENER_TYPE, [listener("l", 0, "r")]);
  receive(CLUSTER_TYPE, [cluster("new", 0)]);
  receive(ROUTE_TYPE, [route("r", "new", "unknown")]);
  assert.deepEqual(log, []);
  clock.advance(15_000);
  assert.deepEqual(log, ["+r:r", "+l:l"]);
});

test("a DNS cluster goes live with its first answer; one that looks up other names serves the old hosts until then", () => {
  const { receive, log, state, clock } = bench();
  const dnsCluster = (name: string, key: string, version: string): IncomingResource => ({
    name,
    version,
    bytes: bytes({ name, dns: { config: { key }, statName: name }, version }),
  });
  receive(CLUSTER_TYPE, [dnsCluster("a", "k1", "1")]);
  receive(LISTENER_TYPE, [listener("l", 0, "r")]);
  receive(ROUTE_TYPE, [route("r", "a")]);
  assert.deepEqual(log, [], "routes wait for it, too");
  assert.deepEqual([...state.needs.resolutions.keys()], ["k1"]);
  assert.deepEqual([...state.needs.endpoints.keys()], [], "nobody but DNS is asked");
  state.resolved("k1", bytes({ hosts: 1 }));
  assert.deepEqual(log.splice(0), ["+c:a", "+e:k1", "+r:r", "+l:l"]);
  state.resolved("k1", bytes({ hosts: 2 }));
  assert.deepEqual(log.splice(0), ["+e:k1"]);
  receive(CLUSTER_TYPE, [dnsCluster("a", "k1", "2")]);
  assert.deepEqual(log.splice(0), ["+c:a"], "the same names: nothing to wait for");
  receive(CLUSTER_TYPE, [dnsCluster("a", "k2", "3")]);
  assert.deepEqual(log, []);
  assert.deepEqual([...state.needs.resolutions.keys()], ["k1", "k2"]);
  state.resolved("k2", bytes({ hosts: 1 }));
  assert.deepEqual(log.splice(0), ["+c:a", "+e:k2", "-e:k1"]);
  assert.deepEqual([...state.needs.resolutions.keys()], ["k2"]);
  assert.deepEqual(
    state.snapshot().assignments.map(({ name }) => name),
    ["k2"],
  );
  receive(LISTENER_TYPE, [], ["l"]);
  log.length = 0;
  receive(CLUSTER_TYPE, [], ["a"]);
  clock.advance(1000);
  assert.deepEqual(log, ["-c:a", "-e:k2"]);
});

test("a cluster that is taken away stays until no live route names it, at most a second", () => {
  const { receive, log, clock } = bench();
  receive(CLUSTER_TYPE, [plainCluster("a"), plainCluster("b"), plainCluster("c")]);
  receive(LISTENER_TYPE, [listener("l", 0, "r")]);
  receive(ROUTE_TYPE, [route("r", "a", "c")]);
  log.length = 0;
  receive(CLUSTER_TYPE, [], ["a", "b", "c"]);
  assert.deepEqual(log.splice(0), ["-c:b"]);
  receive(ROUTE_TYPE, [route("r", "c")]);
  assert.deepEqual(log.splice(0), ["+r:r", "-c:a"]);
  clock.advance(1000);
  assert.deepEqual(log, ["-c:c"]);
});

test("a cluster that comes back in time was never gone", () => {
  const { receive, log, clock } = bench();
  receive(CLUSTER_TYPE, [plainCluster("a")]);
  receive(LISTENER_TYPE, [listener("l", 0, "r")]);
  receive(ROUTE_TYPE, [route("r", "a")]);
  log.length = 0;
  receive(CLUSTER_TYPE, [], ["a"]);
  receive(CLUSTER_TYPE, [plainCluster("a")]);
  clock.advance(5000);
  assert.deepEqual(log, []);
});

test("with a listener go the routes that nobody else wants, and its sockets once the threads have let go", async () => {
  const { receive, log, gone, finish, clock } = bench();
  receive(LISTENER_TYPE, [listener("one", 0, "r", "s"), listener("two", 0, "s")]);
  receive(ROUTE_TYPE, [route("r"), route("s")]);
  await finish();
  log.length = 0;
  receive(LISTENER_TYPE, [], ["one"]);
  assert.deepEqual(log, ["-l:one", "-r:r"]);
  assert.deepEqual(gone, []);
  await finish();
  assert.deepEqual(gone, ["one"]);
  assert.equal(clock.pending, 0);
});

test("an answer to routes that were replaced while they waited does not hang", async () => {
  const { receive, finish } = bench();
  receive(LISTENER_TYPE, [listener("l", 0, "r")]);
  receive(CLUSTER_TYPE, [cluster("new", 0)]);
  const first = receive(ROUTE_TYPE, [route("r", "new")]);
  assert.equal(await isSettled(first.live), false);
  receive(ROUTE_TYPE, [route("r")]);
  await finish();
  assert.equal(await isSettled(first.live), true);
});

test("clusters and listeners wait for their secrets, those of each server by themselves, and secrets go with who needs them", async () => {
  const { state, log, receive, finish, clock } = bench();
  const need = (key: string, timeoutMs: number): object => ({ key, name: key, server: { kind: "ads" }, timeoutMs });
  const withSecrets = (name: string, ...secrets: object[]): IncomingResource => ({
    name,
    version: "1",
    bytes: bytes({ name, clusters: [], routes: [], secrets }),
  });
  const secret = (name: string): IncomingResource => ({ name, version: "1", bytes: bytes({ name }) });
  receive(CLUSTER_TYPE, [withSecrets("c", need("ads default", 0))]);
  receive(LISTENER_TYPE, [withSecrets("l", need("ads default", 0), need("ads ROOTCA", 1000))]);
  assert.deepEqual([...state.needs.secrets.keys()], ["ads default", "ads ROOTCA"]);
  assert.deepEqual(log.splice(0), []);
  receive(SECRET_TYPE, [secret("ads default")]);
  await finish();
  assert.deepEqual(log.splice(0), ["+s:ads default", "+c:c"]);
  clock.advance(1000);
  await finish();
  assert.deepEqual(log.splice(0), ["+l:l"], "time was over: it goes live without");
  receive(SECRET_TYPE, [{ ...secret("ads default"), bytes: bytes({ name: "ads default", renewed: true }) }]);
  assert.deepEqual(log.splice(0), ["+s:ads default"]);
  receive(LISTENER_TYPE, [], ["l"]);
  receive(CLUSTER_TYPE, [{ ...withSecrets("c"), version: "2" }]);
  assert.deepEqual(log.splice(0).slice(-1), ["-s:ads default"]);
});
