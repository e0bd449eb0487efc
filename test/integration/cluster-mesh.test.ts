// A control plane that is fed from a Kubernetes API server, a second mizzen in its place: what is applied there reaches a gateway here;
// the cluster may go away, come back and forget its history without a failed request.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { startApplication } from "../harness/application.ts";
import { ControlPlaneProcess } from "../harness/control-plane-process.ts";
import { startGateway } from "../harness/gateway-process.ts";
import { connectionOf } from "../harness/kubeconfig.ts";
import { startLoad } from "../harness/load.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, runCli } from "../harness/mesh.ts";
import { MARKED_ROUTE, markRoute, webMesh } from "../harness/web-mesh.ts";

test(
  "a mesh is fed from a cluster, keeps what it knows while that is away, and writes status only when asked",
  { timeout: 120_000 },
  async (t) => {
    const applicationPort = await startApplication(t);
    const empty = mkdtempSync(join(tmpdir(), "no-objects-"));
    t.after(() => rmSync(empty, { recursive: true }));
    await using cluster = await ControlPlaneProcess.start("-f", empty);
    const objects = new KubernetesObjectStore({ connection: connectionOf(cluster.kubeconfig), clock: realClock, random: realRandom });
    t.after(() => objects.close());
    const port = await freePort();
    await objects.write(webMesh(applicationPort, { front: port }, "first"));

    await using controlPlane = await ControlPlaneProcess.start("--kubeconfig", cluster.kubeconfig);
    await using gateway = await startGateway("front", [controlPlane.grpcPort]);
    const url = `http://127.0.0.1:${port}/`;
    const isLive = (mark: string): Promise<unknown> =>
      eventually(`"${mark}" is live`, 40_000, async () => (await call(url)).headers["x-mark"] === mark || undefined).catch(
        (error: unknown) => {
          throw new Error(`${controlPlane.output}${gateway.output}`, { cause: error });
        },
      );
    await isLive("first");
    const load = startLoad([{ method: "GET", url }]);
    await objects.write([markRoute("second")]);
    await isLive("second");

    await cluster.kill();
    const answeredBefore = load.answered;
    await eventually("traffic goes on without the cluster", 5_000, () => load.answered > answeredBefore + 100 || undefined);
    // Its API server keeps changes in memory only: after this the place of every watch is forgotten (410).
    await cluster.run();
    await objects.write([markRoute("third")]);
    await isLive("third");
    assert.equal(((await objects.get(MARKED_ROUTE))["status"] as object | undefined) ?? undefined, undefined, "nobody asked for a status");

    await controlPlane.kill();
    await using reporting = await ControlPlaneProcess.start("--kubeconfig", cluster.kubeconfig, "--write-status");
    await using other = await startGateway("front-2", [reporting.grpcPort]);
    await eventually("the status says that every proxy has it", 20_000, async () => {
      const text = JSON.stringify((await objects.get(MARKED_ROUTE))["status"] ?? {});
      return /"type":"Reconciled","status":"True"/u.test(text) || undefined;
    }).catch((error: unknown) => {
      throw new Error(`${reporting.output}${other.output}`, { cause: error });
    });
    const { sent, failures } = await load.stop();
    assert.deepEqual(failures, []);
    t.diagnostic(`${sent} requests, none failed`);
  },
);

test("what is no cluster is said at once", async () => {
  const missing = await runCli(["control-plane", "--kubeconfig", "/nowhere/config"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /the kubeconfig \/nowhere\/config cannot be read/u);
  const both = await runCli(["control-plane", "--kubeconfig", "/nowhere/config", "--etcd-servers", "http://127.0.0.1:2379"]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /give one of the two/u);
});
