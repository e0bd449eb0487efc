// The configuration store: what the Kubernetes API serves and the control plane reads, whoever keeps the objects (memory, an embedded
// database, etcd, a Kubernetes API server). The behaviour is Kubernetes'; object-store.conformance.ts is its text.
import type { ObjectName, ResourceName, StoredObject } from "./stored-object.ts";

export interface ListOptions {
  /** Absent or "": all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** 0 or absent: everything. */
  readonly limit?: number;
  /** From the list before: the rest of the same snapshot. */
  readonly continue?: string;
  /** Absent: the latest. "0": whatever is at hand. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface ObjectList {
  /** Of the snapshot: a watch from here misses nothing. */
  readonly resourceVersion: string;
  /** In the order of namespaces, then names. */
  readonly items: readonly StoredObject[];
  readonly continue?: string;
  /** Not told where a selector is in use, as in Kubernetes. */
  readonly remainingItemCount?: number;
}

export interface WatchOptions extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> {
  /** Changes after this. Absent or "0": first everything there is, as ADDED. */
  readonly resourceVersion?: string;
  /** Everything there is as ADDED, then a bookmark with `initialEventsEnd`. */
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks?: boolean;
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: StoredObject }
  /** Everything up to here has been told. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

/** Ends by `close`, or by throwing a StatusError: Expired when the reader was too slow or the store lost its place. */
export interface ObjectWatch extends AsyncIterable<WatchEvent> {
  close(): void;
}

export interface WriteOptions {
  /** Who asks; stands in the history. */
  readonly author?: string;
  /** Everything is decided and checked, nothing is kept. */
  readonly dryRun?: boolean;
}

/** "status": only the status is taken. "finalize": only a Namespace's spec.finalizers. */
export type Subresource = "status" | "finalize";

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Of what the object owns. Absent: what its finalizers say, else Background. */
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/** One write of several that are kept together or not at all. Each sees what those before it have done. */
export type ObjectWrite =
  /** An empty name: one is made from metadata.generateName. */
  | { readonly verb: "create"; readonly name: ObjectName; readonly object: StoredObject }
  /** Guarded by metadata.resourceVersion and uid of the object where they are there. */
  | { readonly verb: "update"; readonly name: ObjectName; readonly object: StoredObject; readonly subresource?: Subresource }
  /** A patch: `change` is pure and is asked again when somebody else was faster. It gets undefined only where it may create. */
  | {
      readonly verb: "modify";
      readonly name: ObjectName;
      readonly change: (current: StoredObject | undefined) => StoredObject;
      readonly subresource?: Subresource;
      readonly mayCreate?: boolean;
    }
  | ({ readonly verb: "delete"; readonly name: ObjectName } & DeleteOptions);

export interface WriteResult {
  /** As it is stored now; the last state of one that has gone. */
  readonly object: StoredObject;
  /** "terminating": it is marked for deletion and waits for its finalizers. */
  readonly outcome: "created" | "updated" | "unchanged" | "terminating" | "deleted";
}

export interface ObjectVersion {
  /** Counts the versions of this name from 1, also across deletions. */
  readonly version: number;
  readonly resourceVersion: string;
  readonly timestamp: string;
  readonly author: string;
  readonly change: "created" | "updated" | "deleted";
  /** Of a deletion: what was deleted. */
  readonly object: StoredObject;
}

/** Every method throws a StatusError for what Kubernetes would refuse, and ServiceUnavailable when whoever keeps the objects is away. */
export interface ObjectStore {
  get(name: ObjectName): Promise<StoredObject>;
  list(resource: ResourceName, options?: ListOptions): Promise<ObjectList>;
  watch(resource: ResourceName, options?: WatchOptions): Promise<ObjectWatch>;
  /** All or nothing; the result of each write in the order given. A refusal is that of the first write that is refused. */
  write(writes: readonly ObjectWrite[], options?: WriteOptions): Promise<readonly WriteResult[]>;
  /** Versions that are kept, newest first; changes of status alone make none. To go back is an ordinary write of an old one. */
  versions(name: ObjectName): Promise<readonly ObjectVersion[]>;
  close(): Promise<void>;
}
