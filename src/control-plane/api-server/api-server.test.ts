import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { connect } from "node:tls";
import { gunzipSync } from "node:zlib";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { ApiServer } from "./api-server.ts";
import { ResourceTable } from "./resources/resource-table.ts";
import { virtualService, VIRTUAL_SERVICES } from "./testing.ts";

interface Running {
  readonly server: ApiServer;
  readonly directory: string;
  readonly ca: string;
  readonly token: string;
  readonly send: (options: RequestOptions, body?: string) => Promise<{ readonly response: IncomingMessage; readonly bytes: Buffer }>;
}

async function start(t: TestContext): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), "api-server-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const store = await CachedObjectStore.open({ journal: new MemoryJournal(), clock: realClock, random: realRandom, log: silentLog });
  const server = await ApiServer.listen({
    store,
    table: new ResourceTable(),
    address: "127.0.0.1",
    port: 0,
    stateDirectory: directory,
    kubeconfig: join(directory, "kubeconfig"),
    version: "1.2.3",
    clock: realClock,
    random: realRandom,
    log: silentLog,
  });
  t.after(async () => {
    await server.close();
    await store.close();
  });
  const ca = readFileSync(join(directory, "api-server/ca.pem"), "utf8");
  const token = readFileSync(join(directory, "api-server/token"), "utf8");
  const send: Running["send"] = (options, body) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, ...(options.headers as Record<string, string>) };
      const sent = request({ host: "127.0.0.1", port: server.port, ca, agent: false, ...options, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ response, bytes: Buffer.concat(chunks) }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  return { server, directory, ca, token, send };
}

test("keeps keys, token and kubeconfig for their owner alone, and the same after a restart", async (t) => {
  const { directory, server, ca, token } = await start(t);
  for (const file of ["api-server/ca-key.pem", "api-server/serving-key.pem", "api-server/token", "kubeconfig"]) {
    assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
  }
  assert.equal(statSync(join(directory, "api-server")).mode & 0o777, 0o700);
  assert.match(readFileSync(join(directory, "kubeconfig"), "utf8"), new RegExp(`server: https://127\\.0\\.0\\.1:${server.port}\n`, "u"));
  assert.ok(readFileSync(join(directory, "kubeconfig"), "utf8").includes(token));
  assert.ok(ca.startsWith("-----BEGIN CERTIFICATE-----"));
});

test("serves who has the token, under its own names, and no page of a browser", async (t) => {
  const { send, server } = await start(t);
  assert.equal((await send({ path: "/api" })).response.statusCode, 200);
  assert.equal((await send({ path: "/api", headers: { authorization: "Bearer wrong" } })).response.statusCode, 401);
  assert.equal((await send({ path: "/version", headers: { authorization: "" } })).response.statusCode, 200);
  assert.equal((await send({ path: "/version", servername: "localhost", headers: { host: "evil.example" } })).response.statusCode, 403);
  assert.equal((await send({ path: "/api", headers: { origin: "https://evil.example" } })).response.statusCode, 403);
  assert.equal(
    (await send({ path: "/api", servername: "localhost", headers: { host: `localhost:${server.port}` } })).response.statusCode,
    200,
  );
  assert.match(server.counters.text(), /apiserver_request_terminations_total\{reason="origin"\} 1\n/u);
  assert.match(server.counters.text(), /apiserver_request_total\{code="401",group="",resource="",verb="GET",version=""\} 1\n/u);
});

test("refuses bodies that are too large, announced or not, and paths with dots", async (t) => {
  const { send } = await start(t);
  const large = "x".repeat(3 * 1024 * 1024 + 1);
  const announced = send({ path: VIRTUAL_SERVICES, method: "POST", headers: { "content-length": String(large.length) } });
  assert.equal(await announced.then(({ response }) => response.statusCode), 413);
  const chunked = await send({ path: VIRTUAL_SERVICES, method: "POST", headers: { "transfer-encoding": "chunked" } }, large).catch(
    () => undefined,
  );
  assert.ok(chunked === undefined || chunked.response.statusCode === 413);
  for (const path of ["/api/v1/../../etc/passwd", "/api/v1/%2e%2e/secrets", "/api/v1/./pods"]) {
    assert.equal((await send({ path })).response.statusCode, 400, path);
  }
});

test("zips what is large for whom it can be zipped", async (t) => {
  const { send } = await start(t);
  const { response, bytes } = await send({ path: "/openapi/v2", headers: { "accept-encoding": "gzip" } });
  assert.equal(response.headers["content-encoding"], "gzip");
  assert.equal((JSON.parse(gunzipSync(bytes).toString()) as { swagger: string }).swagger, "2.0");
});

test("streams a watch, and ends it when the client goes away", async (t) => {
  const { send, server, ca, token } = await start(t);
  const socket = connect({ host: "127.0.0.1", port: server.port, ca });
  socket.setEncoding("utf8");
  let received = "";
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!received.includes(text)) return;
        socket.off("data", look);
        resolve();
      };
      socket.on("data", look);
      look();
    });
  socket.on("data", (chunk: string) => (received += chunk));
  socket.write(`GET ${VIRTUAL_SERVICES}?watch=1 HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await until("200 OK");
  await send(
    { path: VIRTUAL_SERVICES, method: "POST", headers: { "content-type": "application/json" } },
    JSON.stringify(virtualService("reviews")),
  );
  await until('"type":"ADDED"');
  assert.equal(server.counters.watches, 1);
  socket.destroy();
  while (server.counters.watches > 0) await new Promise((resolve) => setImmediate(resolve));
});
