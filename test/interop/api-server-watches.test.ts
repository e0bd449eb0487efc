// Ten thousand watches on one API server, and a reader that does not read: everybody else is served meanwhile, and memory is bounded.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { ApiUnderTest } from "./kubernetes-clients/api-under-test.ts";

const WATCHES = 10_000;
const PATH = "/api/v1/namespaces/default/configmaps?watch=1";

class Watcher {
  readonly socket: TLSSocket;
  bytes = 0;
  events = 0;

  constructor(api: ApiUnderTest) {
    const ca = readFileSync(join(api.directory, "api-server/ca.pem"));
    const token = readFileSync(join(api.directory, "api-server/token"), "utf8");
    this.socket = connect({ host: "127.0.0.1", port: api.server.port, ca });
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      this.events += chunk.toString("latin1").split('"type":"ADDED"').length - 1;
    });
    this.socket.write(`GET ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`);
  }
}

async function until(holds: () => boolean, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(holds(), "waited too long");
}

test("ten thousand watches are told of a change, and one more is refused", { timeout: 600_000 }, async (t) => {
  const api = await ApiUnderTest.start(1_000);
  t.after(() => api.close());
  const files = ["ca.pem", "token"].map((file) => join(api.directory, "api-server", file));
  const script = join(import.meta.dirname, "testdata/watchers.ts");
  const child = fork(script, [String(api.server.port), ...files, String(WATCHES)]);
  t.after(() => child.kill("SIGKILL"));
  let said = { opened: 0, told: 0 };
  child.on("message", (message) => (said = message as typeof said));
  await until(() => said.opened === WATCHES, 300_000);
  assert.equal(api.server.counters.watches, WATCHES);
  await api.put("one", "1");
  await until(() => said.told === WATCHES, 60_000);
  const more = new Watcher(api);
  t.after(() => more.socket.destroy());
  await until(() => more.bytes > 0, 10_000);
  assert.equal(api.server.counters.watches, WATCHES);
  assert.match(api.server.counters.text(), /apiserver_request_terminations_total\{reason="watches"\} 1\n/u);
});

test("a reader that does not read holds no more than a bounded backlog", { timeout: 300_000 }, async (t) => {
  const api = await ApiUnderTest.start(1_000);
  t.after(() => api.close());
  const slow = new Watcher(api);
  t.after(() => slow.socket.destroy());
  await until(() => api.server.counters.watches === 1, 10_000);
  slow.socket.pause();
  const before = process.memoryUsage().rss;
  const text = "x".repeat(64 * 1024);
  for (let index = 0; index < 3_000; index++) await api.put("one", `${index} ${text}`);
  assert.ok(process.memoryUsage().rss - before < 400 * 1024 * 1024, "the backlog of a slow reader fills memory");
  // It was told that it lost its place, or will be dropped: it does not hold the change of everybody else.
  const fast = new Watcher(api);
  await until(() => fast.events === 1, 10_000);
  fast.socket.destroy();
});
