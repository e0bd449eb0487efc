import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ApiError } from "./api-error.ts";
import { fakeServer, notFound } from "./testing.ts";

test("a refusal is said as the server says it, and once more is no reason to stop", async (t) => {
  const { client, asked } = await fakeServer(t, ({ path }) => (path === "/a" ? notFound("a") : { code: 502, body: "bad gateway" }));
  await assert.rejects(
    client.get("/a"),
    (error) => error instanceof ApiError && error.isNotFound && /NotFound\): "a" not found/.test(error.message),
  );
  await assert.rejects(client.get("/b"), /Error from server \(502\): bad gateway/);
  assert.equal(asked[0]?.headers.authorization, "Bearer secret");
});

test("each warning of the server is heard once", async (t) => {
  const headers = { warning: '299 - "unknown field \\"x\\"", 299 - "second"' };
  const { client, warnings } = await fakeServer(t, () => ({ body: {}, headers }));
  await client.get("/a");
  await client.get("/b");
  assert.deepEqual(warnings, ['unknown field "x"', "second"]);
});

test("bodies may come compressed", async (t) => {
  const { client } = await fakeServer(t, () => ({ body: "" }));
  assert.equal(await client.get("/a"), "");
  const { createServer } = await import("node:http");
  const server = createServer((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync('{"a":1}')));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { KubernetesClient } = await import("./client.ts");
  const port = (server.address() as { readonly port: number }).port;
  const other = new KubernetesClient({ ...client.connection, server: `http://127.0.0.1:${port}/prefix` }, () => {});
  t.after(() => other.close());
  assert.deepEqual(await other.get("/a"), { a: 1 });
});

test("a watch gives its events line by line, and ends with the connection", async (t) => {
  const events = [
    { type: "ADDED", object: { a: 1 } },
    { type: "BOOKMARK", object: { a: 2 } },
  ];
  const { client, asked } = await fakeServer(t, () => ({ body: events.map((event) => `${JSON.stringify(event)}\n`).join("") }));
  const seen: unknown[] = [];
  for await (const event of client.watch("/a", { resourceVersion: "7" }, new AbortController().signal)) seen.push(event);
  assert.deepEqual(seen, events);
  assert.equal(asked[0]?.query.toString(), "resourceVersion=7&watch=true");
});

test("nobody who answers is named with the next step", async (t) => {
  const { client } = await fakeServer(t, () => ({ body: {} }));
  const { KubernetesClient } = await import("./client.ts");
  const nobody = new KubernetesClient({ ...client.connection, server: "http://127.0.0.1:1" }, () => {});
  await assert.rejects(nobody.get("/a"), /the API server of context test \(http:\/\/127\.0\.0\.1:1\) does not answer: .*is it running\?/);
});
