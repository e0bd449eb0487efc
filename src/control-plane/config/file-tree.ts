// Which files of the given paths hold configuration. As `kubectl apply -f DIR`: a folder's own .yaml, .yml and .json files, not
// those of its subfolders unless asked (so that samples/bookinfo/networking stays a drawer to take files from). Hidden names,
// editors' swap and backup files and an application's own package.json are not configuration. Links are followed, each file and
// folder once, so a cycle ends. Only looks: opens nothing.
import { lstatSync, readdirSync, statSync, type BigIntStats } from "node:fs";
import { dirname, extname, join } from "node:path";

export interface FoundFile {
  readonly path: string;
  /** Changes when the content may have changed: device, inode, size, both times. */
  readonly signature: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface TreeProblem {
  readonly path: string;
  readonly reason: string;
}

export interface FileTree {
  /** In the order of their paths. */
  readonly files: readonly FoundFile[];
  /** What to watch: path -> device and inode, which tell a folder from another one that took its place. */
  readonly directories: ReadonlyMap<string, string>;
  /** True when a link leads elsewhere: changes there wake no watcher, so somebody must look. */
  readonly hasLinks: boolean;
  /** Paths that could not be looked at: what was known of them stays. */
  readonly problems: readonly TreeProblem[];
  /** How many files were left out because of the limit. */
  readonly leftOut: number;
}

const EXTENSIONS = new Set([".yaml", ".yml", ".json"]);
const NOT_CONFIGURATION = new Set(["package.json", "package-lock.json", "tsconfig.json"]);

/** Swap and backup files (`.x.yaml.swp`, `x.yaml~`, `#x.yaml#`, `4913`, `x.yaml.tmp`) fall out by extension or by their first character. */
function isConfigurationName(name: string): boolean {
  const first = name[0];
  if (first === "." || first === "#" || first === "~") return false;
  return EXTENSIONS.has(extname(name).toLowerCase()) && !NOT_CONFIGURATION.has(name);
}

function isSearchedFolder(name: string): boolean {
  return !name.startsWith(".") && name !== "node_modules";
}

function identity(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

export function findFiles(paths: readonly string[], recursive: boolean, maxFiles: number): FileTree {
  const files: FoundFile[] = [];
  const directories = new Map<string, string>();
  const problems: TreeProblem[] = [];
  const seen = new Set<string>();
  let hasLinks = false;

  const once = (stats: BigIntStats): boolean => {
    const id = identity(stats);
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  };
  const addFile = (path: string, stats: BigIntStats): void => {
    if (!stats.isFile() || !once(stats)) return;
    const signature = `${identity(stats)}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
    files.push({ path, signature, bytes: Number(stats.size), modifiedMs: Number(stats.mtimeMs) });
  };
  const addDirectory = (path: string, stats: BigIntStats): void => {
    if (!once(stats)) return;
    let entries;
    try {
      entries = readdirSync(path, { withFileTypes: true });
    } catch (error) {
      problems.push({ path, reason: reasonOf(error) });
      return;
    }
    directories.set(path, identity(stats));
    // By name, so that of two links to one file the same one counts every time.
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const wantedFile = isConfigurationName(entry.name);
      const wantedFolder = recursive && isSearchedFolder(entry.name);
      if (!wantedFile && !wantedFolder) continue;
      if (!entry.isSymbolicLink() && !(entry.isFile() && wantedFile) && !(entry.isDirectory() && wantedFolder)) continue;
      const child = join(path, entry.name);
      let stats: BigIntStats;
      try {
        stats = statSync(child, { bigint: true });
      } catch (error) {
        // Unlinked since the folder was read, or a link to nothing: not there. Anything else is a problem to name.
        const reason = reasonOf(error);
        if (reason !== "ENOENT") problems.push({ path: child, reason });
        continue;
      }
      if (entry.isSymbolicLink()) hasLinks = true;
      if (stats.isDirectory()) {
        if (wantedFolder) addDirectory(child, stats);
      } else if (wantedFile) {
        addFile(child, stats);
      }
    }
  };

  for (const path of paths) {
    try {
      if (lstatSync(path).isSymbolicLink()) hasLinks = true;
      const stats = statSync(path, { bigint: true });
      if (stats.isDirectory()) {
        addDirectory(path, stats);
      } else {
        // A file that was named is taken whatever its extension; its folder is watched, because editors replace files.
        addFile(path, stats);
        directories.set(dirname(path), identity(statSync(dirname(path), { bigint: true })));
      }
    } catch (error) {
      problems.push({ path, reason: reasonOf(error) });
    }
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    files: files.slice(0, maxFiles),
    directories,
    hasLinks,
    problems,
    leftOut: Math.max(0, files.length - maxFiles),
  };
}
