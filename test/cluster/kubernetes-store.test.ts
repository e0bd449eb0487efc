// The object store's conformance suite on a real Kubernetes API server, on demand: KUBECONFIG=FILE npm run test:cluster. The server needs
// Istio's CRDs (`mizzen crds | kubectl apply -f -`) and a controller manager; the suite makes and deletes namespaces of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { objectStoreConformance } from "#control-plane/config/object-store.conformance";
import type { ApiConnection } from "#control-plane/config/kubernetes/api-client";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** Of a kubeconfig with one cluster and one user. */
function connectionOf(file: string): ApiConnection {
  const { clusters, users } = parse(readFileSync(file, "utf8")) as Kubeconfig;
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  const pem = (from: Readonly<Record<string, string>>, name: string): string | undefined => {
    const data = from[`${name}-data`];
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    const path = from[name];
    return path === undefined ? undefined : readFileSync(path, "utf8");
  };
  const { server = "" } = cluster;
  const authorization = user["token"] === undefined ? undefined : `Bearer ${user["token"]}`;
  return {
    server,
    tls: { ca: pem(cluster, "certificate-authority"), cert: pem(user, "client-certificate"), key: pem(user, "client-key") },
    authorization,
  };
}

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
