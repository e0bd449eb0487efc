// What a cluster's API server may do to a client, by a server that does it. The store's conformance suite runs on real servers.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";
import { realClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { ApiConnection } from "./api-client.ts";
import { KubernetesObjectStore } from "./kubernetes-object-store.ts";

const CONFIG_MAPS = { group: "", resource: "configmaps" };

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

/** Answers each request by the next of `answers`; the last one answers all that follow. */
async function serve(
  t: TestContext,
  answers: readonly Answer[],
): Promise<{ readonly store: KubernetesObjectStore; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "", "http://server");
      asked.push({ method: request.method ?? "", path: url.pathname, query: url.searchParams, body });
      answers[Math.min(asked.length, answers.length) - 1]?.(asked.at(-1) as Asked, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const connection = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tls: {} };
  const store = new KubernetesObjectStore({ connection, clock: realClock, random: seededRandom(1) });
  t.after(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return { store, asked };
}

function configMap(name: string, resourceVersion: string): StoredObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, resourceVersion } };
}

function json(code: number, value: unknown): Answer {
  return (_, response) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function events(...lines: readonly unknown[]): Answer {
  return (_, response) => response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function status(code: number, reason: string, message: string): unknown {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message };
}

test("takes a watch up again from the last version, when the server ends it, breaks it or is busy", async (t) => {
  const { store, asked } = await serve(t, [
    events({ type: "ADDED", object: configMap("a", "11") }, { type: "BOOKMARK", object: configMap("", "15") }),
    (_, response) => {
      response.write(`${JSON.stringify({ type: "MODIFIED", object: configMap("a", "16") })}\n{"type":"ADD`);
      setImmediate(() => response.destroy());
    },
    json(429, status(429, "TooManyRequests", "slow down")),
    events({ type: "DELETED", object: configMap("a", "17") }),
  ]);
  const seen: string[] = [];
  for await (const event of await store.watch(CONFIG_MAPS, { namespace: "default", resourceVersion: "10" })) {
    seen.push(event.type);
    if (event.type === "DELETED") break;
  }
  assert.deepEqual(seen, ["ADDED", "MODIFIED", "DELETED"]);
  assert.deepEqual(
    asked.map(({ query }) => query.get("resourceVersion")),
    ["10", "15", "16", "16"],
  );
  assert.equal(asked[0]?.path, "/api/v1/namespaces/default/configmaps");
});

test("ends a watch with 410 when the server has forgotten its version", async (t) => {
  const { store } = await serve(t, [
    events(
      { type: "ADDED", object: configMap("a", "11") },
      { type: "ERROR", object: status(410, "Expired", "too old resource version: 11 (20)") },
    ),
  ]);
  const seen: WatchEvent[] = [];
  await assert.rejects(
    async () => {
      for await (const event of await store.watch(CONFIG_MAPS, { resourceVersion: "10" })) seen.push(event);
    },
    (error: unknown) => error instanceof StatusError && error.reason === "Expired" && error.status.code === 410,
  );
  assert.equal(seen.length, 1);
});

test("a watch that is closed while it waits for a server that is away ends", async (t) => {
  const { store } = await serve(t, [json(503, status(503, "ServiceUnavailable", "away"))]);
  const watch = await store.watch(CONFIG_MAPS, { resourceVersion: "10" });
  const read = (async () => {
    for await (const _ of watch) assert.fail("there is nothing to tell");
  })();
  await new Promise((resume) => setImmediate(resume));
  watch.close();
  await read;
});

test("asks a patch again on a conflict, guarded by the version that it saw", async (t) => {
  const { store, asked } = await serve(t, [
    json(200, configMap("a", "1")),
    json(409, status(409, "Conflict", "the object has been modified")),
    json(200, configMap("a", "2")),
    json(200, { ...configMap("a", "3"), data: { a: "b" } }),
  ]);
  const name = { ...CONFIG_MAPS, namespace: "default", name: "a" };
  const change = (current: StoredObject | undefined): StoredObject => ({ ...(current as StoredObject), data: { a: "b" } });
  const [result] = await store.write([{ verb: "modify", name, change }]);
  assert.equal(result?.object.metadata.resourceVersion, "3");
  assert.deepEqual(
    asked.map(({ method }) => method),
    ["GET", "PUT", "GET", "PUT"],
  );
  assert.equal((JSON.parse(asked[3]?.body ?? "") as StoredObject).metadata.resourceVersion, "2");
});

test("a set is tried as a whole first, and what was written before a failure is named", async (t) => {
  const creation = (name: string) => ({
    verb: "create" as const,
    name: { ...CONFIG_MAPS, namespace: "default", name },
    object: configMap(name, ""),
  });
  const refused = await serve(t, [json(201, configMap("a", "1")), json(422, status(422, "Invalid", "b is wrong"))]);
  await assert.rejects(refused.store.write([creation("a"), creation("b")]), /^StatusError: b is wrong$/u);
  assert.deepEqual(
    refused.asked.map(({ query }) => query.get("dryRun")),
    ["All", "All"],
  );
  const late = await serve(t, [
    json(201, {}),
    json(201, {}),
    json(201, configMap("a", "1")),
    json(409, status(409, "AlreadyExists", "b exists")),
  ]);
  await assert.rejects(
    late.store.write([creation("a"), creation("b")]),
    /^StatusError: b exists; written before it, and not taken back: configmaps "a"$/u,
  );
});

test("finds the version of a group that has a resource, and says so of a server that answers in words", async (t) => {
  const group = {
    preferredVersion: { groupVersion: "networking.istio.io/v1" },
    versions: [{ groupVersion: "networking.istio.io/v1" }, { groupVersion: "networking.istio.io/v1beta1" }],
  };
  const { store, asked } = await serve(t, [
    json(200, group),
    json(200, { resources: [{ name: "gateways" }] }),
    json(200, { resources: [{ name: "proxyconfigs" }] }),
    (_, response) => response.writeHead(502).end("bad gateway"),
  ]);
  await assert.rejects(store.list({ group: "networking.istio.io", resource: "proxyconfigs" }), /^StatusError: bad gateway$/u);
  assert.equal(asked.at(-1)?.path, "/apis/networking.istio.io/v1beta1/proxyconfigs");
});

test("a server that is not there is said clearly", async () => {
  const store = new KubernetesObjectStore({
    connection: { server: "http://127.0.0.1:1", tls: {} },
    clock: realClock,
    random: seededRandom(1),
  });
  await assert.rejects(store.list(CONFIG_MAPS), /^StatusError: the API server http:\/\/127\.0\.0\.1:1 does not answer: /u);
  await store.close();
});

test("asks for fresh credentials when the server no longer takes them, and breaks off no watch for that", async (t) => {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    const known = request.headers.authorization === "Bearer 2";
    response.writeHead(known ? 200 : 401).end(JSON.stringify(known ? configMap("a", "1") : status(401, "Unauthorized", "Unauthorized")));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  let issued = 0;
  const connect = (): ApiConnection => ({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: {},
    authorization: `Bearer ${++issued}`,
  });
  const store = new KubernetesObjectStore({ connection: connect(), renew: connect, clock: realClock, random: seededRandom(1) });
  t.after(async () => {
    await store.close();
    server.close();
  });
  const name = { ...CONFIG_MAPS, namespace: "default", name: "a" };
  const refused = await Promise.allSettled([store.get(name), store.get(name), store.get(name)]);
  assert.ok(refused.every(({ status: outcome }) => outcome === "rejected"));
  assert.equal((await store.get(name)).metadata.name, "a");
  assert.deepEqual([issued, authorizations.at(-1)], [2, "Bearer 2"], "of many that are refused at once, one asks");
});
