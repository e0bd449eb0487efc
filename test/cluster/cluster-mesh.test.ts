// A mesh that is fed from a real Kubernetes API server, on demand: KUBECONFIG=FILE npm run test:cluster. The server needs Istio's CRDs
// (`mizzen crds | kubectl apply -f -`); what the test makes in the namespace default it deletes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { StatusError } from "#control-plane/config/status-error";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { startApplication } from "../harness/application.ts";
import { ControlPlaneProcess } from "../harness/control-plane-process.ts";
import { startGateway } from "../harness/gateway-process.ts";
import { connectionOf } from "../harness/kubeconfig.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import { MARKED_ROUTE, markRoute, webMesh } from "../harness/web-mesh.ts";

const file = process.env["KUBECONFIG"];
assert.ok(file, "KUBECONFIG names the cluster to test on");

interface IstioStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

test("a gateway of ours gets its listeners and routes from a cluster, edits become live, and the status says so", async (t) => {
  const objects = new KubernetesObjectStore({ connection: connectionOf(file), clock: realClock, random: realRandom });
  const port = await freePort();
  const mesh = webMesh(await startApplication(t), { front: port }, "first");
  t.after(async () => {
    for (const { name } of mesh) {
      await objects.write([{ verb: "delete", name }]).catch((error: unknown) => {
        if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
      });
    }
    await objects.close();
  });
  await objects.write(mesh);
  await using controlPlane = await ControlPlaneProcess.start("--kubeconfig", file, "--write-status");
  await using gateway = await startGateway("front", [controlPlane.grpcPort]);
  for (const [index, mark] of ["first", "second", "third"].entries()) {
    if (index > 0) await objects.write([markRoute(mark)]);
    const startedMs = performance.now();
    await eventually(`"${mark}" is live: ${controlPlane.output}${gateway.output}`, 15_000, async () => {
      return (await call(`http://127.0.0.1:${port}/`)).headers["x-mark"] === mark || undefined;
    });
    t.diagnostic(`"${mark}" is live after ${Math.round(performance.now() - startedMs)} ms`);
  }
  await eventually("the status says that every proxy has it", 15_000, async () => {
    const { metadata, status } = await objects.get(MARKED_ROUTE);
    const { observedGeneration, conditions = [] } = (status ?? {}) as IstioStatus;
    return (
      (observedGeneration === metadata.generation &&
        conditions.some(({ type, status: holds }) => type === "Reconciled" && holds === "True")) ||
      undefined
    );
  });
});
