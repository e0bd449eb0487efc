import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import type { JoinEvent, JoinRequest } from "./join-request.ts";
import { SupervisorApi } from "./supervisor-api.ts";
import { SupervisorClient } from "./supervisor-client.ts";

const TOKEN = "t".repeat(64);

async function serving(t: TestContext) {
  const calls: string[] = [];
  let left: () => void = () => {};
  const whenLeft = new Promise<void>((resolve) => {
    left = resolve;
  });
  const api = new SupervisorApi(TOKEN, {
    status: () => ({ proxies: [] }),
    join: (request: JoinRequest, tell: (event: JoinEvent) => void) => {
      if (request.group === "none") return Promise.reject(new Error("there is no WorkloadGroup none"));
      tell({ event: "joined", instance: "a-1", applicationPorts: [], httpProxy: { address: "127.66.0.9", port: 15_001 } });
      return Promise.resolve("a-1");
    },
    drain: (instance) => Promise.resolve(instance === "a-1"),
    leave: (instance, reason) => {
      calls.push(`leave ${instance}: ${reason}`);
      left();
      return Promise.resolve();
    },
    stop: () => calls.push("stop"),
  });
  const port = await api.listen();
  t.after(() => api.close());
  const handle = { pid: 1, processStart: "1", startedAt: "", sources: [], api: { port, token: TOKEN } };
  return { port, calls, whenLeft, handle, client: new SupervisorClient(handle) };
}

describe("the supervisor's API", () => {
  it("answers those who have the token and the right host only", async (t) => {
    const { port, client, handle } = await serving(t);
    assert.deepEqual(await client.status(), { proxies: [] });
    await assert.rejects(new SupervisorClient({ ...handle, api: { port, token: "wrong" } }).status(), /the token of mesh.json is needed/);
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      const headers = { host: "evil.example", authorization: `Bearer ${TOKEN}` };
      request({ host: "127.0.0.1", port, path: "/status", headers }, (response) => resolve(response.resume().statusCode)).end();
    });
    assert.equal(status, 403);
  });

  it("takes an instance out when the one who joined goes away", async (t) => {
    const { client, calls, whenLeft } = await serving(t);
    let heard: (event: JoinEvent) => void = () => {};
    const event = new Promise<JoinEvent>((resolve) => {
      heard = resolve;
    });
    const membership = await client.join({ group: "a", namespace: "default", directory: "/tmp" }, (one) => heard(one));
    assert.equal((await event).event, "joined");
    await client.drain("a-1");
    membership.close();
    await whenLeft;
    assert.deepEqual(calls, ["leave a-1: its process ended"]);
  });

  it("passes on why somebody cannot join and refuses what it does not understand", async (t) => {
    const { client } = await serving(t);
    await assert.rejects(
      client.join({ group: "none", namespace: "default", directory: "/tmp" }, () => {}),
      /there is no WorkloadGroup none/,
    );
    await assert.rejects(
      client.join({ namespace: "default", directory: "/tmp" }, () => {}),
      /give either a group or a service/,
    );
    await assert.rejects(
      client.join({ group: "a", namespace: "default", directory: "tmp" }, () => {}),
      /absolute path/,
    );
    await assert.rejects(client.drain("other"), /no instance other joined by hand/);
  });
});
