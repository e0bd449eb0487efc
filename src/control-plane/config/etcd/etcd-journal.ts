// Keeps objects in etcd, where several control planes share them: what any of them writes reaches the cache of each by a watch, in
// etcd's order, and a resourceVersion is etcd's revision. While etcd is away the cache stays as it is and writes are refused.
import { create } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import {
  Event_EventType,
  PutRequestSchema,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeRequestSchema,
  WatchRequestSchema,
  type KeyValue,
  type WatchRequest,
  type WatchResponse,
} from "#envoy/gen/etcdserverpb/rpc_pb";
import type { ObjectVersion } from "#control-plane/config/object-store";
import { MAX_DELETED, MAX_VERSIONS, PRUNE_EVERY, type Commit, type Journal } from "#control-plane/config/objects/journal";
import type { CacheChange, ObjectCache } from "#control-plane/config/objects/object-cache";
import { StatusError } from "#control-plane/config/status-error";
import { withResourceVersion, type StoredObject } from "#control-plane/config/stored-object";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { commitTransaction, type StoredValue, type StoredVersion } from "./commit-transaction.ts";
import { PUT, RANGE, TXN, type EtcdClient } from "./etcd-client.ts";
import { decodeJson, decodeText, encodeText, EtcdKeys } from "./etcd-keys.ts";
import { pruneVersions } from "./prune-versions.ts";
import { RevisionWaiters } from "./revision-waiters.ts";

const PAGE = 500;
/** Until a write that etcd has kept must have come back by the watch. */
const CATCH_UP_MS = 5_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

export interface EtcdJournalOptions {
  readonly client: EtcdClient;
  /** Everything of ours is below it. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class EtcdJournal implements Journal {
  readonly #options: EtcdJournalOptions;
  readonly #keys: EtcdKeys;
  /** Tells our marks of the latest write from those of others. */
  readonly #id: string;
  #marks = 0;
  #cache: ObjectCache | undefined;
  /** Of the latest write that the cache has. */
  #latest = 0;
  readonly #versions = new Map<string, number>();
  readonly #claims = new Map<string, { readonly count: number; readonly apply: (revisions: readonly number[]) => void }>();
  readonly #waiters: RevisionWaiters;
  #stream: ClientDuplexStream<WatchRequest, WatchResponse> | undefined;
  #retry: Timer | undefined;
  #retryMs = RETRY_MIN_MS;
  #away = false;
  #deletions = 0;

  constructor(options: EtcdJournalOptions) {
    this.#options = options;
    this.#keys = new EtcdKeys(options.prefix);
    this.#id = options.random.uuid();
    this.#waiters = new RevisionWaiters(options.clock);
  }

  async open(cache: ObjectCache): Promise<void> {
    this.#cache = cache;
    await this.#readAll(cache);
    this.#follow();
  }

  async catchUp(): Promise<void> {
    const { kvs } = await this.#options.client.call(RANGE, create(RangeRequestSchema, { key: this.#keys.latest, keysOnly: true }));
    const revision = Number(kvs[0]?.modRevision ?? 0);
    if (await this.#waiters.until(revision, CATCH_UP_MS)) return;
    throw StatusError.unavailable("etcd answers, but its watch does not tell what was written; try again");
  }

  async commit(commit: Commit): Promise<ReadonlyMap<string, number> | undefined> {
    const { client } = this.#options;
    // Of the moment of the plan: what happens while versions are looked up must fail it.
    const latestRevision = this.#latest;
    const versions = new Map<string, number>();
    for (const { key } of commit.changes) versions.set(key, this.#versions.get(key) ?? (await this.#lastVersion(key)));
    const request = commitTransaction(commit, {
      keys: this.#keys,
      mark: this.#mark(),
      latestRevision,
      lastVersion: (key) => versions.get(key) ?? 0,
    });
    const { succeeded, header } = await client.call(TXN, request);
    if (!succeeded) return undefined;
    const revision = Number(header?.revision ?? 0);
    // It is kept, also when the watch is late: the writer is answered in any case.
    await this.#waiters.until(revision, CATCH_UP_MS);
    if (commit.changes.length > 1) await this.#passOn();
    this.#countDeletions(commit);
    return new Map(commit.changes.map(({ key }) => [key, revision]));
  }

  #countDeletions({ changes }: Commit): void {
    const before = this.#deletions;
    for (const { object } of changes) if (object === undefined) this.#deletions++;
    if (Math.floor(before / PRUNE_EVERY) === Math.floor(this.#deletions / PRUNE_EVERY)) return;
    const { client, log } = this.#options;
    pruneVersions(client, this.#keys, (key) => this.#versions.has(key), MAX_DELETED).catch((error: unknown) => {
      log.warn("old versions of deleted objects stay in etcd for now", { error: (error as Error).message });
    });
  }

  async claim(count: number, apply: (revisions: readonly number[]) => void): Promise<void> {
    const mark = this.#mark();
    this.#claims.set(mark, { count, apply });
    try {
      const revision = await this.#touch(mark);
      if (!(await this.#waiters.until(revision, CATCH_UP_MS))) {
        throw StatusError.unavailable("etcd answers, but its watch does not tell what was written");
      }
    } finally {
      this.#claims.delete(mark);
    }
    if (count > 1) await this.#passOn();
  }

  /** The revision of an empty write. */
  async #touch(mark: string): Promise<number> {
    const request = create(PutRequestSchema, { key: this.#keys.latest, value: encodeText(mark) });
    const { header } = await this.#options.client.call(PUT, request);
    return Number(header?.revision ?? 0);
  }

  /**
   * After several changes with one revision: lists that follow get a later one, for a watch from the revision itself is told of all its
   * changes again. Where it fails, that is all that is lost.
   */
  async #passOn(): Promise<void> {
    try {
      await this.#waiters.until(await this.#touch(this.#mark()), CATCH_UP_MS);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }

  async versions(key: string): Promise<readonly ObjectVersion[]> {
    const kvs = await this.#newestVersions(key, MAX_VERSIONS, false);
    return kvs.map((kv) => {
      const { timestamp, author, change, object } = decodeJson(kv.value) as StoredVersion;
      const resourceVersion = String(kv.modRevision);
      return {
        version: this.#keys.versionNumber(kv.key),
        resourceVersion,
        timestamp,
        author,
        change: change as ObjectVersion["change"],
        object: withResourceVersion(object as StoredObject, resourceVersion),
      };
    });
  }

  async close(): Promise<void> {
    this.#cache = undefined;
    this.#retry?.cancel();
    this.#stream?.cancel();
    this.#waiters.close();
    this.#options.client.close();
  }

  #mark(): string {
    return `${this.#id}/${++this.#marks}`;
  }

  async #lastVersion(key: string): Promise<number> {
    const [newest] = await this.#newestVersions(key, 1, true);
    return newest === undefined ? 0 : this.#keys.versionNumber(newest.key);
  }

  async #newestVersions(key: string, limit: number, keysOnly: boolean): Promise<readonly KeyValue[]> {
    const request = create(RangeRequestSchema, {
      ...this.#keys.versions(key),
      limit: BigInt(limit),
      sortOrder: RangeRequest_SortOrder.DESCEND,
      sortTarget: RangeRequest_SortTarget.KEY,
      keysOnly,
    });
    return (await this.#options.client.call(RANGE, request)).kvs;
  }

  /** All pages of one revision. */
  async #readAll(cache: ObjectCache): Promise<void> {
    const objects: (readonly [string, StoredObject])[] = [];
    this.#versions.clear();
    this.#latest = 0;
    let { key } = this.#keys.objects;
    let revision = 0n;
    for (;;) {
      const request = create(RangeRequestSchema, { ...this.#keys.objects, key, limit: BigInt(PAGE), revision });
      const { kvs, more, header } = await this.#options.client.call(RANGE, request);
      if (revision === 0n) revision = header?.revision ?? 0n;
      for (const kv of kvs) {
        const name = this.#keys.keyOf(kv.key);
        const object = name === undefined ? undefined : this.#objectOf(name, kv);
        if (name === undefined) this.#latest = Number(kv.modRevision);
        else if (object !== undefined) objects.push([name, withResourceVersion(object, String(kv.modRevision))]);
      }
      const last = kvs.at(-1)?.key;
      if (!more || last === undefined) break;
      key = new Uint8Array([...last, 0]);
    }
    cache.load(objects, Number(revision));
    this.#waiters.reached(Number(revision));
  }

  /** Undefined: somebody else has written there what is no object. It is not shown, and the next write replaces it. */
  #objectOf(name: string, kv: KeyValue): StoredObject | undefined {
    try {
      const { version, object } = decodeJson(kv.value) as StoredValue;
      if (typeof version !== "number" || typeof object !== "object" || object === null) throw new Error("it is no object");
      this.#versions.set(name, version);
      return object as StoredObject;
    } catch (error) {
      this.#options.log.error("a key of etcd holds what nobody of us has written", { key: name, error: (error as Error).message });
      this.#versions.delete(name);
      return undefined;
    }
  }

  #follow(): void {
    const cache = this.#cache;
    if (cache === undefined) return;
    const startRevision = BigInt(cache.revision + 1);
    const request = create(WatchRequestSchema, {
      requestUnion: { case: "createRequest", value: { ...this.#keys.objects, startRevision } },
    });
    const stream = this.#options.client.watch(request);
    this.#stream = stream;
    let ended = false;
    const end = (why: string, compacted: boolean): void => {
      if (ended || this.#cache === undefined) return;
      ended = true;
      stream.cancel();
      this.#resume(why, compacted);
    };
    stream.on("data", (response: WatchResponse) => {
      if (ended || this.#cache === undefined) return;
      if (response.canceled) {
        end(response.cancelReason, response.compactRevision > 0n);
        return;
      }
      if (this.#away) this.#options.log.info("etcd answers again");
      this.#away = false;
      this.#retryMs = RETRY_MIN_MS;
      this.#take(cache, response);
    });
    stream.on("error", (error) => end(error.message, false));
    stream.on("end", () => end("the stream ended", false));
  }

  /** Each revision is a commit: told as one. */
  #take(cache: ObjectCache, { events }: WatchResponse): void {
    for (let index = 0; index < events.length;) {
      const revision = Number(events[index]?.kv?.modRevision ?? 0);
      const changes: CacheChange[] = [];
      let claim: { readonly count: number; readonly apply: (revisions: readonly number[]) => void } | undefined;
      for (; Number(events[index]?.kv?.modRevision ?? -1) === revision; index++) {
        const { kv, type } = events[index] as { readonly kv: KeyValue; readonly type: Event_EventType };
        const key = this.#keys.keyOf(kv.key);
        if (key === undefined) {
          this.#latest = revision;
          if (type === Event_EventType.PUT) claim = this.#claims.get(decodeText(kv.value));
        } else if (type === Event_EventType.DELETE) {
          this.#versions.delete(key);
          changes.push({ key, revision, object: undefined });
        } else changes.push({ key, revision, object: this.#objectOf(key, kv) });
      }
      if (changes.length > 0) cache.apply(changes);
      else cache.advance(revision);
      claim?.apply(Array.from({ length: claim.count }, () => revision));
      this.#waiters.reached(revision);
    }
  }

  /** The watch goes on where it stopped, or, when that is compacted, everything is read anew. */
  #resume(why: string, compacted: boolean): void {
    if (!this.#away) this.#options.log.warn("the watch on etcd broke; it is taken up again", { why });
    this.#away = true;
    const delayMs = this.#retryMs * (0.5 + this.#options.random.next() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    this.#retry = this.#options.clock.setTimer(delayMs, () => {
      const cache = this.#cache;
      if (cache === undefined) return;
      if (!compacted) this.#follow();
      else {
        this.#readAll(cache).then(
          () => this.#follow(),
          (error: unknown) => this.#resume((error as Error).message, true),
        );
      }
    });
  }
}
