// The mesh's own Kubernetes API in this process, without a mesh around it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlPlane } from "#control-plane/control-plane";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";

export interface OwnServer {
  readonly kubeconfig: string;
  close(): Promise<void>;
}

export async function startOwnServer(): Promise<OwnServer> {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-api-"));
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(join(directory, "mesh.yaml"), "");
  const controlPlane = await startControlPlane({
    sources: [join(directory, "mesh.yaml")],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    api: { address: "127.0.0.1", port: 0, stateDirectory: directory, kubeconfig },
    stateDirectory: directory,
    journal: () => new SqliteJournal({ file: join(directory, "objects.db") }),
    version: "0.0.0",
    clock: realClock,
    log: silentLog,
  });
  return {
    kubeconfig,
    async close() {
      await controlPlane.close();
      rmSync(directory, { recursive: true });
    },
  };
}
