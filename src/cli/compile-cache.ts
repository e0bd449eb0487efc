// Node keeps what it compiled of our modules (and what type stripping made of them) on disk, so that a process starts in half the time:
// a data plane that was killed serves again sooner. A folder of the user's own; without one everything works, only slower.
import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** Turns the cache on for this process and gives its folder, for the processes below. Undefined: there is none. */
export function useCompileCache(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: cacheHome, HOME: home } = environment;
  const base =
    cacheHome !== undefined && cacheHome !== "" ? cacheHome : home === undefined || home === "" ? undefined : join(home, ".cache");
  if (base === undefined) return undefined;
  const folder = join(base, "mizzen", "compiled");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return undefined; // a read-only or foreign home: run without
  }
  return enableCompileCache(folder).directory === undefined ? undefined : folder;
}
