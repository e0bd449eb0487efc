// Node keeps what it compiled of our modules (and what type stripping made of them) on disk, so that a process starts in half the time:
// a data plane that was killed serves again sooner. A folder of the user's own; without one everything works, only slower.
import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** The user's folder for it; undefined without a home. */
export function compileCacheFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: cacheHome, HOME: home } = environment;
  const base =
    cacheHome !== undefined && cacheHome !== "" ? cacheHome : home === undefined || home === "" ? undefined : join(home, ".cache");
  return base === undefined ? undefined : join(base, "mizzen", "compiled");
}

/** Turns the cache on for this process, once, at its start. */
export function useCompileCache(folder: string | undefined): void {
  if (folder === undefined) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return; // a read-only or foreign home: run without
  }
  enableCompileCache(folder);
}
