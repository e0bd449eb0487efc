// Feeds the store from folders and files on disk, and keeps it fed. Watchers say when to look, a look (`rescan`) finds out what
// is: it compares the whole tree, so a lost or doubled event harms nothing. Looks are synchronous: one look sees one moment.
// The rules about what may vanish are in file-objects.ts.
import { createHash } from "node:crypto";
import { readFileSync, watch, type FSWatcher } from "node:fs";
import { sep } from "node:path";
import type { Finding } from "#api/finding";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { ParseFile, SourceDocument } from "./document.ts";
import { CONFIRM_MS } from "./file-objects.ts";
import { findFiles, type FileTree, type FoundFile, type TreeProblem } from "./file-tree.ts";
import type { ConfigStore, Origin } from "./store.ts";

const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 3 * 1024 * 1024;
/** From the first event to the look: an editor's burst of events is one change. */
const SETTLE_MS = 10;
/** The least time between two looks that events ask for, so that a log file in the folder does not keep the process busy. */
const REST_MS = 100;
/** Timers may fire a fraction early; a second look that comes too early confirms nothing. */
const TIMER_SLACK_MS = 5;
/** What watchers cannot see (targets of links, folders that cannot be watched) is looked at this often, everything else seldom. */
const BLIND_POLL_MS = 500;
const SAFETY_POLL_MS = 5_000;

export interface DirectorySourceOptions {
  /** Folders and files. */
  readonly paths: readonly string[];
  /** Also the subfolders, as `kubectl apply -R`. */
  readonly recursive?: boolean;
  readonly store: ConfigStore;
  readonly parse: ParseFile;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxFiles?: number;
  readonly maxFileBytes?: number;
}

interface KnownFile {
  readonly origin: Origin;
  signature: string;
  /** A file is read twice after it changed: two writes within one tick of the file system's clock look like one from outside. */
  settled: boolean;
  textHash: string;
  documents: readonly SourceDocument[];
}

interface Watched {
  readonly identity: string;
  /** Undefined: it cannot be watched and is polled. */
  watcher: FSWatcher | undefined;
}

export class DirectorySource {
  #options: DirectorySourceOptions;
  #known = new Map<string, KnownFile>();
  #watchers = new Map<string, Watched>();
  #running = false;
  #lookTimer: Timer | undefined;
  #confirmTimer: Timer | undefined;
  #pollTimer: Timer | undefined;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #treeFindings: readonly Finding[] = [];
  #rescans = 0;

  constructor(options: DirectorySourceOptions) {
    this.#options = options;
  }

  /** Looks counted: a test waits for the next one, the debug page shows it. */
  get rescans(): number {
    return this.#rescans;
  }

  /** Reads everything once, then watches. */
  start(): void {
    this.#running = true;
    this.rescan();
  }

  close(): void {
    this.#running = false;
    for (const timer of [this.#lookTimer, this.#confirmTimer, this.#pollTimer]) timer?.cancel();
    for (const watched of this.#watchers.values()) watched.watcher?.close();
    this.#watchers.clear();
  }

  /** Looks at the whole tree now and publishes what changed. */
  rescan(): void {
    const { store, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#lookTimer?.cancel();
    this.#lookTimer = undefined;
    this.#lastLookMs = nowMs;
    this.#rescans++;
    const tree = findFiles(this.#options.paths, this.#options.recursive ?? false, this.#options.maxFiles ?? MAX_FILES);
    // Watched before the files are read: what changes in between wakes us.
    if (this.#running) this.#watch(tree.directories);
    let confirm = false;
    for (const file of tree.files) confirm = this.#read(file, nowMs) || confirm;
    confirm = this.#forget(tree, nowMs) || confirm;
    this.#report(tree);
    store.publish();
    if (!this.#running) return;
    this.#confirmTimer?.cancel();
    this.#confirmTimer = confirm ? clock.setTimer(CONFIRM_MS + TIMER_SLACK_MS, () => this.rescan(), true) : undefined;
    this.#pollTimer?.cancel();
    const pollMs = this.#blind || tree.hasLinks || tree.problems.length > 0 ? BLIND_POLL_MS : SAFETY_POLL_MS;
    this.#pollTimer = clock.setTimer(pollMs, () => this.rescan(), true);
  }

  /** True: an object is missing and this is not confirmed yet. */
  #read(file: FoundFile, nowMs: number): boolean {
    const { store, parse } = this.#options;
    let known = this.#known.get(file.path);
    if (known === undefined) {
      const origin: Origin = { path: file.path, rank: "file", seenMs: file.modifiedMs };
      known = { origin, signature: "", settled: false, textHash: "", documents: [] };
      this.#known.set(file.path, known);
    }
    const unchanged = known.signature === file.signature;
    if (!unchanged || !known.settled) {
      known.settled = unchanged;
      known.signature = file.signature;
      const limit = this.#options.maxFileBytes ?? MAX_FILE_BYTES;
      if (file.bytes > limit) {
        store.fail(known.origin, unreadable(file.path, `the file is larger than ${limit} bytes`, "split it"));
        return false;
      }
      let bytes: Buffer;
      try {
        bytes = readFileSync(file.path);
      } catch (error) {
        known.signature = "";
        store.fail(known.origin, unreadable(file.path, `cannot be read: ${(error as Error).message}`, "check its permissions"));
        return false;
      }
      const textHash = createHash("sha256").update(bytes).digest("base64");
      if (textHash !== known.textHash) {
        known.textHash = textHash;
        known.documents = decode(bytes, file.path, parse);
      }
    }
    // Also when nothing changed: a second look at a file without an object is what confirms that it has gone.
    return store.put(known.origin, known.documents, nowMs);
  }

  /** Files that are no longer there; not those of a folder that could not be looked at. */
  #forget(tree: FileTree, nowMs: number): boolean {
    const present = new Set(tree.files.map((file) => file.path));
    let confirm = false;
    for (const [path, known] of this.#known) {
      if (present.has(path) || tree.leftOut > 0) continue;
      if (tree.problems.some((problem) => hides(problem, path))) continue;
      known.signature = "";
      if (this.#options.store.remove(path, nowMs)) confirm = true;
      else this.#known.delete(path);
    }
    return confirm;
  }

  #report(tree: FileTree): void {
    const findings = tree.problems.map((problem) =>
      unreadable(
        problem.path,
        `cannot be looked at: ${problem.reason}; what was read from it stays in use`,
        "check the path and its permissions",
      ),
    );
    if (tree.leftOut > 0) {
      findings.push(
        unreadable(this.#options.paths[0] ?? "", `${tree.leftOut} files are left out, there are too many`, "name fewer folders"),
      );
    }
    const { store } = this.#options;
    for (const finding of this.#treeFindings) store.remove(`<tree>${finding.place?.file ?? ""}`, 0);
    for (const finding of findings) {
      store.fail({ path: `<tree>${finding.place?.file ?? ""}`, rank: "file", seenMs: 0 }, finding);
    }
    this.#treeFindings = findings;
  }

  #watch(directories: ReadonlyMap<string, string>): void {
    for (const [directory, watched] of this.#watchers) {
      if (directories.get(directory) === watched.identity) continue;
      watched.watcher?.close();
      this.#watchers.delete(directory);
    }
    for (const [directory, identity] of directories) {
      if (this.#watchers.has(directory)) continue;
      let watcher: FSWatcher | undefined;
      try {
        watcher = watch(directory, { persistent: false });
        watcher.on("change", () => this.#wake());
        watcher.on("error", (error) => this.#loseWatcher(directory, error));
      } catch (error) {
        this.#warnBlind(directory, error);
      }
      this.#watchers.set(directory, { identity, watcher });
    }
  }

  /** Out of inotify watches, a network file system: polling covers it for as long as the folder is the same one. */
  #loseWatcher(directory: string, error: unknown): void {
    const watched = this.#watchers.get(directory);
    if (watched === undefined) return;
    watched.watcher?.close();
    watched.watcher = undefined;
    this.#warnBlind(directory, error);
    this.#wake();
  }

  #warnBlind(directory: string, error: unknown): void {
    this.#options.log.warn("cannot watch a folder, so it is looked at twice a second", { directory, error: (error as Error).message });
  }

  get #blind(): boolean {
    for (const watched of this.#watchers.values()) if (watched.watcher === undefined) return true;
    return false;
  }

  #wake(): void {
    if (!this.#running || this.#lookTimer !== undefined) return;
    const restMs = this.#lastLookMs + REST_MS - this.#options.clock.monotonicMs();
    this.#lookTimer = this.#options.clock.setTimer(Math.max(SETTLE_MS, restMs), () => this.rescan(), true);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Buffer, file: string, parse: ParseFile): readonly SourceDocument[] {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    const finding: Finding = {
      level: "error",
      code: "MZ0001",
      message: "the file is not UTF-8 text",
      place: { file, line: 1, column: 1 },
      hint: "save it as UTF-8",
    };
    return [{ findings: [finding], hash: "", startLine: 1 }];
  }
  return parse(text, file);
}

/** A file that was named and is not there has been unlinked; a folder that is not there keeps what was read from it. */
function hides(problem: TreeProblem, path: string): boolean {
  if (path === problem.path) return problem.reason !== "ENOENT";
  return path.startsWith(`${problem.path}${sep}`);
}

function unreadable(file: string, message: string, hint: string): Finding {
  return { level: "error", code: "MZ0008", message, place: { file, line: 1, column: 1 }, hint };
}
