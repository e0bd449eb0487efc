// Processes are killed the hard way; traffic goes on, and nothing is left behind.
// Runs alone: it measures how fast a mesh is back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, callThroughProxy, eventually, runCli, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";
import { startLoad } from "../harness/load.ts";
import { processesWith, processText } from "../harness/processes.ts";

const processesOf = (mesh: TestMesh): number[] => processesWith([mesh.dataDirectory, mesh.directory]);

async function stats(mesh: TestMesh, filter: string): Promise<string[]> {
  const lines: string[] = [];
  for (const proxy of (await mesh.status()).proxies) {
    const text = (await call(`http://${proxy.address}:${proxy.adminPort}/stats?filter=${encodeURIComponent(filter)}`)).body;
    lines.push(
      ...text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `${proxy.name} ${line}`),
    );
  }
  return lines.sort();
}

async function allSynced(mesh: TestMesh): Promise<true | undefined> {
  const result = await mesh.cli("proxy-status", "-o", "json");
  if (result.code !== 0) return undefined;
  const rows = JSON.parse(result.stdout) as { types: Record<string, string> }[];
  return rows.length >= 7 && rows.every(({ types }) => Object.values(types).every((status) => status === "SYNCED" || status === "NOT SENT"))
    ? true
    : undefined;
}

test("traffic survives what is killed, and what is killed comes back", { timeout: 120_000 }, async (t) => {
  const mesh = await startMesh();
  try {
    const productpage = await mesh.sidecar("productpage-v1");
    const proxy = { address: productpage.address, port: productpage.httpProxyPort };
    await eventually("all proxies are synced", 10_000, () => allSynced(mesh));

    await t.test("kill -9 of the control plane: traffic goes on, and the new one resyncs without a flap", async () => {
      const watched = "listener_modified|cluster_modified|listener_added|cluster_added|update_success$";
      await new Promise((done) => setTimeout(done, 500));
      const before = await stats(mesh, watched);
      assert.ok(before.length > 20, `statistics are there: ${before.length}`);
      const load = startLoad([
        { method: "GET", url: `${mesh.gateway}/productpage` },
        { method: "GET", url: "http://reviews:9080/reviews/0", proxy },
      ]);
      const old = (await mesh.status()).controlPlane;
      process.kill(old.pid ?? -1, "SIGKILL");
      await eventually("a new control plane runs", 10_000, async () => {
        const now = (await mesh.status()).controlPlane;
        return now.pid !== undefined && now.pid !== old.pid && now.restarts > old.restarts ? true : undefined;
      });
      await eventually("all proxies are synced again", 20_000, () => allSynced(mesh));
      await new Promise((done) => setTimeout(done, 1500));
      const report = await load.stop();
      assert.deepEqual(report.failures, []);
      assert.deepEqual(await stats(mesh, watched), before);
    });

    await t.test("kill -9 of an application: its instance leaves and is started again", async () => {
      const reviews = await mesh.sidecar("reviews-v2");
      process.kill(reviews.pid ?? -1, "SIGKILL");
      await eventually("the process is started again", 15_000, async () => {
        const now = (await mesh.status()).proxies.find(({ name }) => name === reviews.name);
        return now?.pid !== undefined && now.pid !== reviews.pid ? true : undefined;
      });
      await eventually("it answers again", 15_000, async () => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => callThroughProxy(proxy, "http://reviews:9080/reviews/0")));
        return answers.every(({ status }) => status === 200) && answers.some(({ body }) => body.includes('"black"')) ? true : undefined;
      });
    });

    await t.test("kill -9 of the data plane: serving again soon", async () => {
      const old = (await mesh.status()).dataPlane;
      process.kill(old.pid ?? -1, "SIGKILL");
      const killed = performance.now();
      await eventually("the page comes again", 10_000, async () =>
        (await call(`${mesh.gateway}/productpage`, { timeoutMs: 1000 })).status === 200 ? true : undefined,
      );
      t.diagnostic(`served again after ${(performance.now() - killed).toFixed(0)} ms`);
      await eventually("all proxies are synced again", 20_000, () => allSynced(mesh));
    });

    await t.test("a second `up` on the same data directory says which one runs", async () => {
      const second = await mesh.cli("up", "-f", mesh.directory);
      assert.equal(second.code, 1);
      assert.match(second.stderr, new RegExp(String(mesh.handle().pid)));
      assert.equal(second.stderr.trim().split("\n").length, 1, second.stderr);
    });
  } finally {
    await mesh.stop();
  }
  assert.deepEqual(processesOf(mesh), []);
});

test("kill -9 of `mizzen up` leaves no process, and the next start works", { timeout: 120_000 }, async () => {
  const mesh = await startMesh({ keepDirectory: true });
  const supervisor = mesh.handle().pid;
  process.kill(supervisor, "SIGKILL");
  try {
    await eventually("everything has ended", 10_000, () => (processesOf(mesh).length === 0 ? true : undefined));
  } catch (error) {
    throw new Error(
      `left behind: ${processesOf(mesh)
        .map((pid) => `${pid} ${processText(pid).slice(0, 300)}`)
        .join("\n")}`,
      { cause: error },
    );
  }
  const down = await runCli(["down", "--data-dir", mesh.dataDirectory]);
  assert.notEqual(down.stderr, "");
  const again = await startMesh();
  await again.stop();
  await mesh.stop();
});
