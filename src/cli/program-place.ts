// Where this program stands: the same in a checkout (src/cli) and in an installed package (dist/cli).
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "./command-error.ts";

const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");

const IN_CHECKOUT = existsSync(join(PACKAGE_ROOT, "src/cli/main.ts"));

/** How a user types it: in a checkout nothing is installed. */
export const COMMAND = IN_CHECKOUT ? "npx mizzen" : "mizzen";

/** This file's neighbour that starts everything. */
const MAIN = join(import.meta.dirname, import.meta.filename.endsWith(".ts") ? "main.ts" : "main.js");

// Young objects get 3 x 4 MiB a thread instead of V8's 3 x 16: half the memory, and no slower (bench http1).
const MEMORY = "--max-semi-space-size=4";

/** Program and arguments that start mizzen itself. */
export function selfCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, MEMORY, MAIN];
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { version: string };
  return version;
}

/** The folder of a sample. Installed packages hold them as JavaScript below dist/: Node runs no TypeScript under node_modules. */
export function sampleFolder(name: string): string {
  const folder = join(PACKAGE_ROOT, IN_CHECKOUT ? "samples" : "dist/samples", name);
  if (!/^[\w-]+$/.test(name) || !existsSync(folder)) throw new CommandError(`there is no sample "${name}"; try --sample bookinfo`);
  return folder;
}
