// The object store's conformance suite through our own API server, by the client that also speaks to clusters (test/cluster/).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { ApiServer } from "#control-plane/api-server/api-server";
import { ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { objectStoreConformance } from "#control-plane/config/object-store.conformance";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { connectionOf } from "../harness/kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "kubernetes-store-"));
const parts = { clock: realClock, random: realRandom, log: silentLog };
const store = await CachedObjectStore.open({ journal: new MemoryJournal(), ...parts });
const kubeconfig = join(folder, "kubeconfig");
const server = await ApiServer.listen({
  address: "127.0.0.1",
  port: 0,
  stateDirectory: folder,
  kubeconfig,
  store,
  table: new ResourceTable(),
  version: "1.2.3",
  ...parts,
});
after(async () => {
  await store.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

objectStoreConformance(
  "through our API server",
  async () => {
    const client = new KubernetesObjectStore({ connection: connectionOf(kubeconfig), clock: realClock, random: realRandom });
    return { store: client, close: () => client.close() };
  },
  { transactions: false },
);
