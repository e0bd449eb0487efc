// `mizzen kubeconfig`: what other clients of the Kubernetes API need to talk to the running mesh.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CommandError } from "./command-error.ts";
import { dataDirectory, requireMesh, type DataDirectoryOption } from "./data-directory.ts";

/** In the data directory, written by the API server when it listens. */
export const KUBECONFIG = "kubeconfig";

export interface KubeconfigOptions extends DataDirectoryOption {
  readonly output?: string;
}

/** @throws CommandError when no mesh runs */
export function kubeconfigFile(option: DataDirectoryOption): string {
  const directory = dataDirectory(option, process.env);
  requireMesh(directory);
  return join(directory, KUBECONFIG);
}

export function kubeconfig(options: KubeconfigOptions): void {
  const text = readKubeconfig(kubeconfigFile(options));
  if (options.output === undefined) {
    process.stdout.write(text);
    return;
  }
  const file = resolve(options.output);
  try {
    // Never into somebody else's file: a kubeconfig that is there may hold the credentials of clusters.
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new CommandError(`${file} cannot be written: ${(error as Error).message}`);
    if (readFileSync(file, "utf8") === text) return;
    throw new CommandError(`${file} is there already; name another file, or remove it first`);
  }
  process.stdout.write(`wrote ${file}; use it with: export KUBECONFIG=${file}\n`);
}

function readKubeconfig(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`the running mesh has no kubeconfig: ${(error as Error).message}`);
  }
}
