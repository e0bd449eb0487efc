// Where a mesh keeps its state and where commands look for it.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { SupervisorClient } from "#embedded/supervisor-client";
import { runningMesh } from "#embedded/mesh-handle";
import type { MeshHandle } from "#embedded/mesh-handle";
import { CommandError } from "./command-error.ts";

export interface DataDirectoryOption {
  readonly dataDir?: string;
}

export function dataDirectory(option: DataDirectoryOption, environment: Readonly<Record<string, string | undefined>>): string {
  const given = option.dataDir ?? environment["MIZZEN_DATA_DIR"];
  if (given !== undefined && given !== "") return resolve(given);
  const state = environment["XDG_STATE_HOME"];
  // The XDG specification: a relative path there is to be ignored.
  return join(state?.startsWith("/") === true ? state : join(homedir(), ".local/state"), "mizzen");
}

/** @throws CommandError when no mesh runs with this data directory */
export function requireMesh(directory: string): MeshHandle {
  const handle = runningMesh(directory);
  if (handle === undefined) {
    throw new CommandError(`no mesh is running (looked in ${directory}); start one with \`mizzen up -f DIR\`, or name its --data-dir`);
  }
  return handle;
}

export function requireClient(option: DataDirectoryOption): { readonly handle: MeshHandle; readonly client: SupervisorClient } {
  const handle = requireMesh(dataDirectory(option, process.env));
  return { handle, client: new SupervisorClient(handle) };
}
