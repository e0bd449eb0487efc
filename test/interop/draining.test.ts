// Draining as operators order it, ours beside Envoy's: which answers end their connection, and who is still accepted.
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { call, eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import { writeProxyConfig } from "./proxy-config.ts";
import type { ProxyPorts } from "./proxy-config.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-draining-"));
after(() => rmSync(folder, { recursive: true }));
let runs = 0;

type Operator = (path: string) => Promise<void>;

/** Runs the same with both, each with a drain time of two seconds. */
async function onBoth(scenario: (ports: ProxyPorts, order: Operator) => Promise<unknown>): Promise<void> {
  const seen: unknown[] = [];
  for (const kind of KINDS) seen.push(await on(kind, scenario));
  assert.deepEqual(seen[1], seen[0]);
}

async function on(kind: ProxyKind, scenario: (ports: ProxyPorts, order: Operator) => Promise<unknown>): Promise<unknown> {
  const backend = await startRecordingBackend(() => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const { bootstrap, ports } = await writeProxyConfig(kind, join(folder, `${runs++}`), () => backend.port);
  const proxy = await startStandalone(kind, bootstrap, ports.admin, ["--drain-time-s", "2"]);
  try {
    return await scenario(ports, async (path) => {
      assert.equal((await call(`http://127.0.0.1:${ports.admin}${path}`, { method: "POST" })).body, "OK\n", path);
    });
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

/** One request on a kept connection: does its answer end it? */
function ends(port: number, agent: Agent): Promise<boolean> {
  return new Promise((done, fail) => {
    const sent = request({ port, host: "127.0.0.1", agent, path: "/" }, (response) => {
      response.resume();
      response.on("end", () => done(response.headers.connection === "close"));
    });
    sent.on("error", fail);
    sent.end();
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}

const keepAlive = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

test("while health checks are failed every answer ends its connection; new ones are accepted", async () => {
  await onBoth(async ({ http, dynamic }, order) => {
    const agent = keepAlive();
    const before = await ends(http, agent);
    await order("/healthcheck/fail");
    const failed = [await ends(http, agent), await ends(http, agent), await accepts(http)];
    assert.equal(await ends(dynamic, agent), false, "its drain_type is MODIFY_ONLY");
    await order("/healthcheck/ok");
    const healthy = await ends(http, agent);
    agent.destroy();
    assert.deepEqual([before, failed, healthy], [false, [true, true, true], false]);
  });
});

test("a graceful drain accepts until its time is over, and answers end connections more and more", async () => {
  await onBoth(async ({ http, tls }, order) => {
    const agent = keepAlive();
    await ends(http, agent);
    await order("/drain_listeners?graceful");
    const accepted = await accepts(http);
    // The answers in between are a matter of chance.
    await eventually("an answer ends its connection", 30_000, async () => ((await ends(http, agent)) ? true : undefined));
    await eventually("no more is accepted", 30_000, async () => ((await accepts(http)) || (await accepts(tls)) ? undefined : true));
    agent.destroy();
    return accepted;
  });
});

test("inbound listeners alone stop at once, and others go on", async () => {
  await onBoth(async ({ http, tls, dynamic }, order) => {
    await order("/drain_listeners?inboundonly");
    await eventually("the inbound listener is closed", 30_000, async () => ((await accepts(http)) ? undefined : true));
    return [await accepts(tls), await accepts(dynamic)];
  });
});

test("without an end listeners accept for ever, and connections drain", async () => {
  await onBoth(async ({ http }, order) => {
    const agent = keepAlive();
    await order("/drain_listeners?graceful&skip_exit");
    await eventually("every answer ends its connection", 30_000, async () => {
      const answers = [await ends(http, agent), await ends(http, agent), await ends(http, agent)];
      return answers.every(Boolean) ? true : undefined;
    });
    agent.destroy();
    return accepts(http);
  });
});
