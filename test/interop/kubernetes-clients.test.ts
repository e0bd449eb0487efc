// Other clients of the Kubernetes API than kubectl: what controllers are written with must follow objects here as on a cluster.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { npmPackage, pythonWith } from "../harness/tools.ts";
import { ApiUnderTest } from "./kubernetes-clients/api-under-test.ts";

const CLIENT_NODE = "1.4.0";
const PYTHON_KUBERNETES = "33.1.0";
const DEADLINE_MS = 30_000;

/** What a client says it knows: texts of ConfigMaps by name. */
type Known = Readonly<Record<string, string>>;

interface Follower {
  known(): Known;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function follows(t: TestContext, api: ApiUnderTest, follower: Follower): Promise<void> {
  const knows = (expected: Known): Promise<void> =>
    until(`the client knows ${JSON.stringify(expected)}, it knows ${JSON.stringify(follower.known())}`, () => {
      try {
        assert.deepEqual({ ...follower.known() }, expected);
        return true;
      } catch {
        return false;
      }
    });
  await t.test("lists what there is", () => knows({ one: "1" }));
  await t.test("is told of changes", async () => {
    await api.put("two", "2");
    await api.put("one", "1b");
    await knows({ one: "1b", two: "2" });
    await api.remove("two");
    await knows({ one: "1b" });
  });
  await t.test("goes on where it was after the server came back", async () => {
    await api.down();
    await api.put("three", "3");
    await api.up();
    await knows({ one: "1b", three: "3" });
  });
  await t.test("lists again when its place is gone (410)", async () => {
    await api.down();
    for (let index = 0; index < 50; index++) await api.put("three", String(index));
    await api.remove("one");
    await api.up();
    await knows({ three: "49" });
    await api.put("four", "4");
    await knows({ three: "49", four: "4" });
  });
}

test("an informer of @kubernetes/client-node", { timeout: 300_000 }, async (t) => {
  const folder = npmPackage("@kubernetes/client-node", CLIENT_NODE);
  const entry = pathToFileURL(join(folder, "node_modules/@kubernetes/client-node/dist/index.js")).href;
  const k8s = (await import(entry)) as any;
  const api = await ApiUnderTest.start();
  t.after(() => api.close());
  await api.put("one", "1");
  const config = new k8s.KubeConfig();
  config.loadFromFile(api.kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const informer = k8s.makeInformer(config, "/api/v1/namespaces/default/configmaps", () =>
    core.listNamespacedConfigMap({ namespace: "default" }),
  );
  let stopped = false;
  const start = (): void => {
    if (stopped) return;
    informer.start().catch(() => setTimeout(start, 50));
  };
  // As its documentation has it: who is told of an error starts it again.
  informer.on("error", () => setTimeout(start, 50));
  start();
  t.after(async () => {
    stopped = true;
    await informer.stop();
  });
  const known = (): Known => Object.fromEntries(informer.list().map((item: any) => [item.metadata.name, item.data.text]));
  await follows(t, api, { known });
});

test("Python's kubernetes", { timeout: 300_000 }, async (t) => {
  const python = pythonWith("kubernetes", PYTHON_KUBERNETES);
  const api = await ApiUnderTest.start();
  t.after(() => api.close());
  await api.put("one", "1");
  const child = spawn(python, [join(import.meta.dirname, "kubernetes-clients/follow.py"), api.kubeconfig], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let known: Known = {};
  createInterface({ input: child.stdout }).on("line", (line) => {
    known = (JSON.parse(line) as { readonly known: Known }).known;
  });
  await follows(t, api, { known: () => known });
});
