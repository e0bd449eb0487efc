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

/**
 * Young objects of the main thread get twice this many MB instead of V8's twice 16. The control plane's half is no slower for it (bench
 * control-plane); nothing but configuration is on the data plane's main thread, its traffic threads have their own.
 */
const YOUNG_MB = { "control-plane": 4, "data-plane": 1 } as const;

type OwnProcess = keyof typeof YOUNG_MB;

/** Program and arguments that start mizzen itself. */
export function selfCommand(name: OwnProcess): readonly string[] {
  return [process.execPath, ...process.execArgv, `--max-semi-space-size=${YOUNG_MB[name]}`, MAIN, name];
}

/**
 * What the C library of our own processes is told. By default every thread has a heap of its own (eight a core), which holds what its
 * start has left; ours seldom meet in one.
 */
export function memoryEnvironment(threads: number): Readonly<Record<string, string>> {
  return { MALLOC_ARENA_MAX: String(threads + 1) };
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
