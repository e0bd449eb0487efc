// The objects of one file, as editors really write files: they truncate and write again, they leave a file broken for a while.
// Pure: time is an argument. An object leaves only when its file was read without it twice, CONFIRM_MS apart; a broken document
// keeps the last good version; while any document cannot say its name, nothing leaves.
import { keyString } from "#api/object";
import { hasError, type DecodedObject, type SourceDocument } from "./document.ts";

/** How far apart the two readings are that make an object vanish. */
export const CONFIRM_MS = 200;

export interface FileEntry {
  readonly key: string;
  /** The last good version. */
  readonly object: DecodedObject;
  /** Of the document that `object` came from. */
  readonly hash: string;
  readonly rawValue: SourceDocument["rawValue"];
  /** Where the document stands now, broken or not: positions are read from here. */
  readonly latest: SourceDocument;
  /** The document's number in the file. */
  readonly order: number;
  /** Set while the object is no longer in the file and this is not confirmed yet. */
  readonly missingSinceMs: number | undefined;
}

export class FileObjects {
  #entries = new Map<string, FileEntry>();
  #someMissing = false;
  #documents: readonly SourceDocument[] = [];

  get entries(): Iterable<FileEntry> {
    return this.#entries.values();
  }

  /** As read last: their findings are what is wrong with the file now. */
  get documents(): readonly SourceDocument[] {
    return this.#documents;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Takes what the file holds now. True: something is missing, so read the file once more after CONFIRM_MS. */
  apply(documents: readonly SourceDocument[], nowMs: number): boolean {
    // Most looks find nothing new.
    if (documents === this.#documents && !this.#someMissing) return false;
    this.#documents = documents;
    const next = new Map<string, FileEntry>();
    let nameless = false;
    for (const [order, document] of documents.entries()) {
      if (document.key === undefined) {
        nameless ||= hasError(document);
        continue;
      }
      const key = keyString(document.key);
      const before = this.#entries.get(key);
      // The first of two documents of one name counts; the store reports the other.
      if (next.has(key)) continue;
      if (document.object !== undefined) {
        const { object, hash, rawValue } = document;
        next.set(key, { key, object, hash, rawValue, latest: document, order, missingSinceMs: undefined });
      } else if (before !== undefined) {
        next.set(key, { ...before, latest: document, order, missingSinceMs: undefined });
      }
    }
    let confirm = false;
    for (const entry of this.#entries.values()) {
      if (next.has(entry.key)) continue;
      if (nameless) {
        next.set(entry.key, { ...entry, missingSinceMs: undefined });
        continue;
      }
      const since = entry.missingSinceMs ?? nowMs;
      if (nowMs - since >= CONFIRM_MS) continue;
      next.set(entry.key, { ...entry, missingSinceMs: since });
      confirm = true;
    }
    this.#entries = next;
    this.#someMissing = confirm;
    return confirm;
  }
}
