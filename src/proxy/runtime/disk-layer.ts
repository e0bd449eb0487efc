// A layer that is a directory: each file is a key, each folder a part of one. It is read as a whole; who wants to change it moves a symbolic
// link to another directory.
import { readdirSync, readFileSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runtimeValueOfText } from "./runtime-text.ts";
import type { RuntimeValue } from "./runtime-value.ts";

/** As Envoy: deeper ones are taken for a loop. */
const MAX_DEPTH = 16;

/** @returns undefined where there is no such directory @throws Error when something in it cannot be read */
export function readDirectory(directory: string): ReadonlyMap<string, RuntimeValue> | undefined {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const values = new Map<string, RuntimeValue>();
  walk(directory, "", 1, values);
  return values;
}

function walk(directory: string, prefix: string, depth: number, values: Map<string, RuntimeValue>): void {
  if (depth > MAX_DEPTH) throw new Error(`${directory} is more than ${MAX_DEPTH} folders deep`);
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    const stat = statSync(path);
    if (stat.isDirectory()) walk(path, `${prefix}${name}.`, depth + 1, values);
    else if (stat.isFile()) {
      try {
        values.set(prefix + name, runtimeValueOfText(contentOf(readFileSync(path, "utf8"))));
      } catch (error) {
        throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
  }
}

/** Without comments, empty lines, and what stands behind the last word. */
function contentOf(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, at) => (line.startsWith("#") ? "" : at === lines.length - 1 ? line.trimEnd() : `${line}\n`)).join("");
}

/** Tells when something is moved to the name of `link`. @throws Error when its directory is not there */
export function watchLink(link: string, onMoved: () => void, onError: (error: Error) => void): FSWatcher {
  const name = basename(link);
  const watcher = watch(dirname(link), { persistent: false }, (event, changed) => {
    // What is taken away stays in force, as in Envoy.
    if (event === "rename" && changed === name && statSync(link, { throwIfNoEntry: false }) !== undefined) onMoved();
  });
  watcher.on("error", onError);
  return watcher;
}
