// A control plane in this process, on free ports, with objects from a text. For clients of others: Envoy, gRPC.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlPlane, type ControlPlane } from "#control-plane/control-plane";
import { realClock } from "#runtime/clock";
import { createLog } from "#runtime/log";

export interface LoneControlPlane {
  readonly controlPlane: ControlPlane;
  /** Replaces all objects. */
  write(yaml: string): void;
  close(): Promise<void>;
}

export async function startLoneControlPlane(yaml: string): Promise<LoneControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-control-plane-"));
  const file = join(directory, "objects.yaml");
  writeFileSync(file, yaml);
  const controlPlane = await startControlPlane({
    sources: [directory],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    stateDirectory: join(directory, "state"),
    version: "test",
    clock: realClock,
    log: createLog({ level: "error", format: "text", write: (line) => process.stderr.write(`${line}\n`), wallMs: Date.now }),
  });
  return {
    controlPlane,
    write: (next) => writeFileSync(file, next),
    async close() {
      await controlPlane.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
