// An API server that a test can take away and bring back, over a store that forgets quickly what happened.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer } from "#control-plane/api-server/api-server";
import { ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";

const CONFIG_MAPS = { group: "", resource: "configmaps", namespace: "default" };

export class ApiUnderTest {
  readonly directory = mkdtempSync(join(tmpdir(), "mizzen-clients-"));
  readonly store: CachedObjectStore;
  #server: ApiServer | undefined;
  #port = 0;

  private constructor(store: CachedObjectStore) {
    this.store = store;
  }

  static async start(maxChanges = 20): Promise<ApiUnderTest> {
    const store = await CachedObjectStore.open({
      journal: new MemoryJournal(),
      clock: realClock,
      random: realRandom,
      log: silentLog,
      maxChanges,
    });
    const api = new ApiUnderTest(store);
    await api.up();
    return api;
  }

  get kubeconfig(): string {
    return join(this.directory, "kubeconfig");
  }

  get server(): ApiServer {
    if (this.#server === undefined) throw new Error("the API server is down");
    return this.#server;
  }

  async up(): Promise<void> {
    this.#server = await ApiServer.listen({
      store: this.store,
      table: new ResourceTable(),
      address: "127.0.0.1",
      port: this.#port,
      stateDirectory: this.directory,
      kubeconfig: this.kubeconfig,
      version: "0.0.0",
      clock: realClock,
      random: realRandom,
      log: silentLog,
    });
    this.#port = this.#server.port;
  }

  async down(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** Past the API, so that it can be done while that is down. */
  async put(name: string, text: string): Promise<void> {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text } };
    await this.store.write([{ verb: "modify", name: { ...CONFIG_MAPS, name }, mayCreate: true, change: () => object }]);
  }

  async remove(name: string): Promise<void> {
    await this.store.write([{ verb: "delete", name: { ...CONFIG_MAPS, name } }]);
  }

  async close(): Promise<void> {
    await this.down();
    await this.store.close();
    rmSync(this.directory, { recursive: true });
  }
}
