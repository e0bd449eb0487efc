// The object store's conformance suite on a real Kubernetes API server, on demand: KUBECONFIG=FILE npm run test:cluster. The server needs
// Istio's CRDs (`mizzen crds | kubectl apply -f -`) and a controller manager; the suite makes and deletes namespaces of its own.
import assert from "node:assert/strict";
import { objectStoreConformance } from "#control-plane/config/object-store.conformance";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { connectionOf } from "../harness/kubeconfig.ts";

const file = process.env["KUBECONFIG"];
assert.ok(file, "KUBECONFIG names the cluster to test on");
const connection = connectionOf(file);
objectStoreConformance(
  "on a Kubernetes API server",
  async () => {
    const store = new KubernetesObjectStore({ connection, clock: realClock, random: realRandom });
    return { store, close: () => store.close() };
  },
  { transactions: false },
);
