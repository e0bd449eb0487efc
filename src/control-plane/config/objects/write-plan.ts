// What a set of writes changes, decided on what the cache holds: each write sees what those before it have done. Nothing is kept
// here; a plan that does not fit any more is made again.
import type { ObjectWrite, WriteResult } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { LAST_APPLIED, objectKey, withResourceVersion, type ObjectName, type StoredObject } from "#control-plane/config/stored-object";
import type { JournalChange } from "./journal.ts";
import { checkMortal, checkNamespace, namespaceName } from "./namespace.ts";
import { createdObject, isFinished, markedForDeletion, sameContent, updatedObject, type Stamp } from "./object-changes.ts";

export interface PlannedWrite {
  readonly key: string;
  readonly outcome: WriteResult["outcome"];
  readonly object: StoredObject;
}

export interface PlanOptions extends Stamp {
  readonly find: (key: string) => StoredObject | undefined;
  /** The revision under which it is kept; 0: it is not. */
  readonly storedRevision: (key: string) => number;
  /** Where the file that holds it says so, when a file holds it. */
  readonly placeInFile: (key: string) => string | undefined;
  /** A namespace that need not be stored: of a file. */
  readonly hasNamespace: (namespace: string) => boolean;
  /** The end of a generated name. */
  readonly suffix: () => string;
}

interface Pending {
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

export class WritePlan {
  readonly #options: PlanOptions;
  readonly #pending = new Map<string, Pending>();
  /** Keys that were looked at, with the revision under which they are kept; 0: not. */
  readonly seen = new Map<string, number>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  /** One change for each key that was written, whatever the writes in between. */
  get changes(): readonly JournalChange[] {
    const changes: JournalChange[] = [];
    for (const [key, { before, after }] of this.#pending) {
      if (after !== undefined) {
        const recorded = before === undefined || !sameContent(before, after);
        const change = before === undefined ? "created" : "updated";
        changes.push({ key, object: after, recorded: recorded ? { change, object: after } : undefined });
      } else if (before !== undefined) {
        changes.push({ key, object: undefined, recorded: { change: "deleted", object: before } });
      }
    }
    return changes;
  }

  add(write: ObjectWrite): PlannedWrite {
    if (write.verb === "create") return this.#create(write.name, write.object);
    const { name } = write;
    const key = objectKey(name);
    const current = this.#current(key);
    const place = this.#options.placeInFile(key);
    if (place !== undefined) return this.#unchangedOfFile(write, key, current, place);
    if (current === undefined) {
      if (write.verb === "modify" && write.mayCreate === true) return this.#create(name, write.change(undefined));
      throw StatusError.notFound(name);
    }
    if (write.verb === "delete") return this.#delete(name, key, current, write);
    const written = write.verb === "modify" ? write.change(current) : write.object;
    const next = updatedObject(name, current, written, write.subresource);
    if (next === undefined) return { key, outcome: "unchanged", object: current };
    if (isFinished(name, next)) return this.#remove(key, next);
    return this.#put(key, next, "updated");
  }

  #create(written: ObjectName, object: StoredObject): PlannedWrite {
    const { generateName } = object.metadata;
    const generated = written.name === "" && generateName !== undefined && generateName !== "";
    const name = generated ? this.#generated(written, generateName) : written;
    const key = objectKey(name);
    if (name.namespace !== "" && !this.#options.hasNamespace(name.namespace)) {
      checkNamespace(name, this.#current(objectKey(namespaceName(name.namespace))));
    }
    if (this.#current(key) !== undefined) throw StatusError.alreadyExists(name);
    const content = generated ? { ...object, metadata: { ...object.metadata, name: name.name } } : object;
    return this.#put(key, createdObject(name, content, this.#options), "created");
  }

  /** Who writes what the file says already is content with it: a guide applies what the mesh may have as a file. */
  #unchangedOfFile(write: ObjectWrite, key: string, current: StoredObject | undefined, place: string): PlannedWrite {
    if (current !== undefined && (write.verb === "update" || write.verb === "modify")) {
      const written = write.verb === "modify" ? write.change(current) : write.object;
      const next = updatedObject(write.name, current, written, write.subresource);
      if (next === undefined || sameContent(asWritten(next), asWritten(current))) return { key, outcome: "unchanged", object: current };
    }
    throw StatusError.forbidden(write.name, `it is read from ${place}; edit that file`);
  }

  #generated(name: ObjectName, generateName: string): ObjectName {
    // Kubernetes' names have at most 63 characters, 5 of them generated, and it tries as often before it gives up.
    for (let attempt = 0; attempt < 8; attempt++) {
      const generated = { ...name, name: `${generateName.slice(0, 58)}${this.#options.suffix()}` };
      if (this.#current(objectKey(generated)) === undefined) return generated;
    }
    throw StatusError.alreadyExists({ ...name, name: generateName });
  }

  #delete(name: ObjectName, key: string, current: StoredObject, write: Extract<ObjectWrite, { verb: "delete" }>): PlannedWrite {
    checkMortal(name);
    const marked = markedForDeletion(name, current, write, this.#options);
    if (marked === undefined) return this.#remove(key, current);
    if (marked === current) return { key, outcome: "terminating", object: current };
    return this.#put(key, marked, "terminating");
  }

  #current(key: string): StoredObject | undefined {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.after;
    const object = this.#options.find(key);
    this.seen.set(key, this.#options.storedRevision(key));
    return object;
  }

  #put(key: string, object: StoredObject, outcome: WriteResult["outcome"]): PlannedWrite {
    const before = this.#pending.has(key) ? this.#pending.get(key)?.before : this.#options.find(key);
    // It has no version yet: those who guard by version, later in the set, must not take an old one for it.
    this.#pending.set(key, { before, after: object });
    return { key, outcome, object };
  }

  #remove(key: string, object: StoredObject): PlannedWrite {
    const before = this.#pending.has(key) ? this.#pending.get(key)?.before : this.#options.find(key);
    this.#pending.set(key, { before, after: undefined });
    return { key, outcome: "deleted", object };
  }
}

/** What a write answers: with the version that it was given, or in a dry run that of before. */
export function resultOf({ outcome, object }: PlannedWrite, resourceVersion: string | undefined): WriteResult {
  return { outcome, object: resourceVersion === undefined ? object : withResourceVersion(object, resourceVersion) };
}

/** Without what kubectl notes for itself. */
function asWritten(object: StoredObject): StoredObject {
  const { annotations = {}, labels = {}, ...metadata } = object.metadata;
  const { [LAST_APPLIED]: _noted, ...others } = annotations;
  return { ...object, metadata: { ...metadata, labels, annotations: others } };
}
