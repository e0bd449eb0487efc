// The objects that are live, from all sources: gives them identity (uid, generation, creation time), decides between two of one
// name, publishes immutable sets, and knows where everything stands. It reads no file and knows no clock.
import { createHash } from "node:crypto";
import type { Finding, ObjectKey, Place } from "#api/finding";
import { keyOf, keyString, type ApiObject } from "#api/object";
import type { SourceDocument } from "./document.ts";
import { FileObjects, type FileEntry } from "./file-objects.ts";
import { diffFindings, type FindingDiff } from "./finding-diff.ts";
import { objectSet } from "./immutable-object-set.ts";
import type { ObjectSet } from "./object-set.ts";

/** Who wins when two sources name the same object: what stands in a file, was applied, what a command added, what is built in. */
export const SOURCE_RANKS = ["file", "applied", "memory", "builtin"] as const;
export type SourceRank = (typeof SOURCE_RANKS)[number];

export interface Origin {
  /** A file's path, or a name such as `<builtin>`. */
  readonly path: string;
  readonly rank: SourceRank;
  /** The file's modification time. At first sight it is the age of objects that do not say their own. */
  readonly seenMs: number;
}

export interface ObjectChange {
  readonly type: "added" | "modified" | "deleted";
  readonly key: ObjectKey;
  /** The new object; the last one when deleted. */
  readonly object: ApiObject;
}

/** A live object of a file, and what was written there. */
export interface WrittenObject {
  readonly object: ApiObject;
  readonly rawValue: () => unknown;
}

export interface StoreChange {
  readonly objects: ObjectSet;
  /** Empty when only findings or positions changed; then `objects` is the same set as before. */
  readonly changes: readonly ObjectChange[];
  readonly findings: readonly Finding[];
  readonly findingDiff: FindingDiff;
}

interface StoredFile {
  readonly origin: Origin;
  readonly content: FileObjects;
  /** When what it holds was written: of two files that define one object the later written counts, as with `kubectl apply`. */
  modifiedMs: number;
  /** What is wrong with the file as a whole: unreadable, too large. */
  problem: Finding | undefined;
}

interface Candidate {
  readonly entry: FileEntry;
  readonly origin: Origin;
  readonly modifiedMs: number;
}

interface ObjectRecord {
  object: ApiObject;
  hash: string;
  contentText: string;
  candidate: Candidate;
}

/** Kubernetes' form: whole seconds. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A time that is none counts as not written: order must not depend on it. */
function written(creationTimestamp: string | undefined): string | undefined {
  const ms = Date.parse(creationTimestamp ?? "");
  return Number.isNaN(ms) ? undefined : timestamp(ms);
}

/** The same after a restart without being written down: made of the name and the creation time. */
function uidOf(key: string, creationTimestamp: string): string {
  const hex = createHash("sha256").update(`${key}|${creationTimestamp}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Who is in use of several that define one object comes first. */
function comparePrecedence(a: Candidate, b: Candidate): number {
  const rank = SOURCE_RANKS.indexOf(a.origin.rank) - SOURCE_RANKS.indexOf(b.origin.rank);
  return rank || b.modifiedMs - a.modifiedMs || comparePlace(a, b);
}

function comparePlace(a: Candidate, b: Candidate): number {
  if (a.origin.path !== b.origin.path) return a.origin.path < b.origin.path ? -1 : 1;
  return a.entry.order - b.entry.order;
}

/** Oldest first; ties go by path, then by order in the file. */
function compareAge(a: ObjectRecord, b: ObjectRecord): number {
  const left = Date.parse(a.object.metadata.creationTimestamp);
  const right = Date.parse(b.object.metadata.creationTimestamp);
  return left - right || comparePlace(a.candidate, b.candidate);
}

function placeIn(document: SourceDocument, path: string, field: string | undefined): Place {
  return document.placeOf?.(field ?? "") ?? { file: path, line: document.startLine, column: 1 };
}

export class ConfigStore {
  #files = new Map<string, StoredFile>();
  #records = new Map<string, ObjectRecord>();
  #objects: ObjectSet = objectSet(0, []);
  #findings: readonly Finding[] = [];
  #resourceVersion = 0;
  #listeners = new Set<(change: StoreChange) => void>();

  get objects(): ObjectSet {
    return this.#objects;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Paths of the sources that are held. */
  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** The live objects that stand in files. */
  *writtenObjects(): Iterable<WrittenObject> {
    for (const { object, candidate } of this.#records.values()) {
      const { rawValue } = candidate.entry;
      if (candidate.origin.rank === "file" && rawValue !== undefined) yield { object, rawValue };
    }
  }

  /** Called after every publication that changed something, in order of subscription. */
  subscribe(listener: (change: StoreChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What a file holds now. True: something is missing and a second look after CONFIRM_MS has to confirm it. Call `publish` after. */
  put(origin: Origin, documents: readonly SourceDocument[], nowMs: number): boolean {
    const file = this.#file(origin);
    file.problem = undefined;
    file.modifiedMs = origin.seenMs;
    return file.content.apply(documents, nowMs);
  }

  /** The file cannot be read: what it held stays live, and the problem is named. */
  fail(origin: Origin, problem: Finding): void {
    this.#file(origin).problem = problem;
  }

  /** The file is not there. True: not confirmed yet, ask again after CONFIRM_MS. */
  remove(path: string, nowMs: number): boolean {
    const file = this.#files.get(path);
    if (file === undefined) return false;
    file.problem = undefined;
    const confirm = file.content.apply([], nowMs);
    if (file.content.isEmpty) this.#files.delete(path);
    return confirm;
  }

  /** Makes the next set from what the sources hold now, and tells the listeners when anything changed. */
  publish(): void {
    const findings: Finding[] = [];
    const winners = this.#winners(findings);
    const changes = this.#adopt(winners);
    if (changes.length > 0) {
      const records = [...this.#records.values()].sort(compareAge);
      this.#objects = objectSet(
        this.#objects.version + 1,
        records.map((record) => record.object),
        this.#objects,
      );
    }
    const findingDiff = diffFindings(this.#findings, findings);
    this.#findings = findings;
    if (changes.length === 0 && findingDiff.fresh.length === 0 && findingDiff.gone.length === 0) return;
    const change: StoreChange = { objects: this.#objects, changes, findings, findingDiff };
    for (const listener of this.#listeners) listener(change);
  }

  /** Where an object, or one of its fields, stands now. */
  placeOf(key: ObjectKey, field?: string): Place | undefined {
    const candidate = this.#records.get(keyString(key))?.candidate;
    if (candidate === undefined || candidate.origin.rank === "builtin" || candidate.origin.rank === "applied") return undefined;
    return placeIn(candidate.entry.latest, candidate.origin.path, field);
  }

  /** The finding with its place, when it names an object that is held here and has none yet. */
  locate(finding: Finding): Finding {
    if (finding.place !== undefined || finding.object === undefined) return finding;
    const place = this.placeOf(finding.object, finding.field);
    return place === undefined ? finding : { ...finding, place };
  }

  #file(origin: Origin): StoredFile {
    let file = this.#files.get(origin.path);
    if (file === undefined) {
      file = { origin, content: new FileObjects(), modifiedMs: origin.seenMs, problem: undefined };
      this.#files.set(origin.path, file);
    }
    return file;
  }

  /** Picks one candidate a name, and gathers the findings of all files. */
  #winners(findings: Finding[]): ReadonlyMap<string, Candidate> {
    const candidates: Candidate[] = [];
    for (const file of this.#files.values()) {
      if (file.problem !== undefined) findings.push(file.problem);
      for (const document of file.content.documents) findings.push(...document.findings);
      for (const entry of file.content.entries) candidates.push({ entry, origin: file.origin, modifiedMs: file.modifiedMs });
      this.#reportRepeats(file, findings);
    }
    candidates.sort(comparePrecedence);
    const winners = new Map<string, Candidate>();
    for (const candidate of candidates) {
      const before = winners.get(candidate.entry.key);
      if (before === undefined) {
        winners.set(candidate.entry.key, candidate);
      } else if (before.entry.missingSinceMs !== undefined && candidate.entry.missingSinceMs === undefined) {
        // The object moved to another file: the copy that is on its way out neither wins nor counts as a duplicate.
        winners.set(candidate.entry.key, candidate);
      } else if (candidate.entry.missingSinceMs === undefined && candidate.origin.rank === before.origin.rank) {
        findings.push(duplicate(candidate.entry.latest, candidate.origin.path, before.entry.latest, before.origin.path));
      } else if (candidate.origin.rank === "applied" && before.origin.rank === "file") {
        findings.push(hidden(candidate.entry.latest, before.entry.latest, before.origin.path));
      }
    }
    return winners;
  }

  #reportRepeats(file: StoredFile, findings: Finding[]): void {
    const first = new Map<string, SourceDocument>();
    for (const document of file.content.documents) {
      if (document.key === undefined) continue;
      const key = keyString(document.key);
      const before = first.get(key);
      if (before === undefined) first.set(key, document);
      else findings.push(duplicate(document, file.origin.path, before, file.origin.path));
    }
  }

  #adopt(winners: ReadonlyMap<string, Candidate>): readonly ObjectChange[] {
    const changes: ObjectChange[] = [];
    for (const [key, record] of this.#records) {
      if (winners.has(key)) continue;
      this.#records.delete(key);
      changes.push({ type: "deleted", key: keyOf(record.object), object: record.object });
    }
    for (const [key, candidate] of winners) {
      const { object: decoded, hash } = candidate.entry;
      const record = this.#records.get(key);
      if (record !== undefined && record.hash === hash) {
        record.candidate = candidate;
        continue;
      }
      const specText = JSON.stringify(decoded.spec);
      const { generateName, ownerReferences } = decoded.metadata;
      const contentText = JSON.stringify([
        decoded.apiVersion,
        decoded.metadata.labels,
        decoded.metadata.annotations,
        specText,
        generateName,
        ownerReferences,
        decoded.status,
      ]);
      if (record !== undefined && record.contentText === contentText) {
        // Written differently, meaning the same: a comment, an indentation.
        record.hash = hash;
        record.candidate = candidate;
        continue;
      }
      const before = record?.object.metadata;
      const creationTimestamp =
        written(decoded.metadata.creationTimestamp) ?? before?.creationTimestamp ?? timestamp(candidate.origin.seenMs);
      const sameSpec = record !== undefined && JSON.stringify(record.object.spec) === specText;
      const object: ApiObject = {
        apiVersion: decoded.apiVersion,
        kind: decoded.kind,
        metadata: {
          name: decoded.metadata.name,
          namespace: decoded.metadata.namespace,
          labels: decoded.metadata.labels,
          annotations: decoded.metadata.annotations,
          creationTimestamp,
          // As in Kubernetes: counts changes of the spec, not of labels and annotations.
          generation: before === undefined ? 1 : before.generation + (sameSpec ? 0 : 1),
          resourceVersion: String(++this.#resourceVersion),
          uid: before?.uid ?? uidOf(key, creationTimestamp),
          ...decoded.identity,
          ...(generateName === undefined ? {} : { generateName }),
          ...(ownerReferences === undefined ? {} : { ownerReferences }),
        },
        spec: decoded.spec,
        ...(decoded.status === undefined ? {} : { status: decoded.status }),
      };
      this.#records.set(key, { object, hash, contentText, candidate });
      changes.push({ type: record === undefined ? "added" : "modified", key: keyOf(object), object });
    }
    return changes;
  }
}

function duplicate(loser: SourceDocument, loserPath: string, winner: SourceDocument, winnerPath: string): Finding {
  const other = placeIn(winner, winnerPath, undefined);
  return {
    level: "error",
    code: "MZ0006",
    message: `the same object is defined in ${other.file}:${other.line}, which is the one in use`,
    ...(loser.key === undefined ? {} : { object: loser.key }),
    place: placeIn(loser, loserPath, undefined),
    hint: "remove one of the two, or give it another name",
  };
}

function hidden(applied: SourceDocument, winner: SourceDocument, winnerPath: string): Finding {
  const other = placeIn(winner, winnerPath, undefined);
  return {
    level: "warning",
    code: "MZ0006",
    message: `the applied object has no effect: the same object is defined in ${other.file}:${other.line}, which is the one in use`,
    ...(applied.key === undefined ? {} : { object: applied.key }),
    hint: "take it out of the file to use the applied one",
  };
}
