// What a cluster holds of one resource, and every change of it: a list, then a watch from there; a new list when the server has forgotten
// the place (410). While nobody answers, what was told last holds.
import type { AppliedChange } from "#control-plane/config/applied-objects";
import type { ObjectStore, ObjectWatch } from "#control-plane/config/object-store";
import { StatusError, type StatusReason } from "#control-plane/config/status-error";
import { objectKey, resourceText, type ResourceName, type StoredObject } from "#control-plane/config/stored-object";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";

export interface FollowedResource extends ResourceName {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  /** Defined by a CRD: a cluster may not have it, and there are no objects then. */
  readonly optional: boolean;
}

export interface ResourceFollowerOptions {
  readonly store: Pick<ObjectStore, "list" | "watch">;
  readonly resource: FollowedResource;
  readonly onChange: (change: AppliedChange) => void;
  /** The resource cannot be followed for now; it is tried again. */
  readonly onTrouble: (resource: string, message: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const PAGE = 500;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 30_000;
/** A kind that a cluster does not have may be defined later. */
const ABSENT_MS = 15_000;
/** No waiting helps against these, unless somebody changes the cluster. */
const REFUSALS: readonly StatusReason[] = ["Unauthorized", "Forbidden", "BadRequest", "MethodNotAllowed", "NotFound", "NotAcceptable"];

export class ResourceFollower {
  readonly #options: ResourceFollowerOptions;
  /** resourceVersion by key: what the mesh has been told. */
  readonly #known = new Map<string, string>();
  readonly #listed = Promise.withResolvers<void>();
  #wasListed = false;
  #watch: ObjectWatch | undefined;
  #retryMs = RETRY_MIN_MS;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: ResourceFollowerOptions) {
    this.#options = options;
    // Whoever waits hears of it; nobody has to.
    this.#listed.promise.catch(() => {});
    void this.#run();
  }

  /** Settles when everything has been told once. Rejects when the server refuses to tell. */
  get whenListed(): Promise<void> {
    return this.#listed.promise;
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        const resourceVersion = await this.#list();
        this.#retryMs = RETRY_MIN_MS;
        this.#wasListed = true;
        this.#listed.resolve();
        await this.#follow(resourceVersion);
      } catch (error) {
        if (this.#closed) return;
        this.#onError(error);
      }
      await this.#pause(this.#retryMs * (0.5 + this.#options.random.next() / 2));
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    }
  }

  async #list(): Promise<string> {
    const { store, resource } = this.#options;
    const { fieldSelector, namespace } = resource;
    const seen = new Set<string>();
    let token: string | undefined;
    let resourceVersion = "";
    const found: StoredObject[] = [];
    do {
      const page = await store.list(resource, {
        limit: PAGE,
        ...(namespace === undefined ? {} : { namespace }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        ...(token === undefined ? {} : { continue: token }),
      });
      found.push(...page.items);
      ({ resourceVersion, continue: token } = page);
    } while (token !== undefined);
    // Nothing is told of a list that broke off half-way.
    for (const object of found) seen.add(this.#put(object));
    for (const key of this.#known.keys()) if (!seen.has(key)) this.#remove(key);
    return resourceVersion;
  }

  async #follow(resourceVersion: string): Promise<void> {
    const { store, resource } = this.#options;
    const { fieldSelector, namespace } = resource;
    this.#watch = await store.watch(resource, {
      resourceVersion,
      allowWatchBookmarks: true,
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    if (this.#closed) this.#watch.close();
    for await (const event of this.#watch) {
      if (this.#closed) return;
      if (event.type === "BOOKMARK") continue;
      if (event.type === "DELETED") this.#remove(this.#keyOf(event.object));
      else this.#put(event.object);
    }
  }

  #put(object: StoredObject): string {
    const key = this.#keyOf(object);
    const { resourceVersion = "" } = object.metadata;
    if (this.#known.get(key) !== resourceVersion) {
      this.#known.set(key, resourceVersion);
      this.#options.onChange({ key, object });
    }
    return key;
  }

  #remove(key: string): void {
    if (this.#known.delete(key)) this.#options.onChange({ key, object: undefined });
  }

  #keyOf({ metadata: { namespace = "", name = "" } }: StoredObject): string {
    const { group, resource } = this.#options.resource;
    return objectKey({ group, resource, namespace, name });
  }

  #onError(error: unknown): void {
    const { log, resource } = this.#options;
    const text = resourceText(resource);
    const reason = error instanceof StatusError ? error.reason : undefined;
    if (reason === "Expired" || reason === "Gone")
      return log.debug("the place in the cluster's changes is lost; listing again", { resource: text });
    if (reason === "NotFound" && resource.optional) {
      if (!this.#wasListed) log.debug("the cluster has no such resource", { resource: text });
      this.#retryMs = ABSENT_MS;
      this.#listed.resolve();
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (!this.#wasListed && reason !== undefined && REFUSALS.includes(reason)) {
      this.#listed.reject(new Error(`the cluster does not tell its ${text}: ${message}`));
    }
    this.#options.onTrouble(text, message);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#options.clock.setTimer(delayMs, () => resolve());
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }
}
