// The object store of a cluster: what its API server keeps, with the same face as the stores that we keep ourselves. A server has no
// transactions and no history: a set is tried as a whole first and then written in order, and versions are refused.
import type {
  ListOptions,
  ObjectList,
  ObjectStore,
  ObjectVersion,
  ObjectWatch,
  ObjectWrite,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import {
  keyPrefix,
  objectKey,
  resourceText,
  type ObjectName,
  type ResourceName,
  type StoredObject,
} from "#control-plane/config/stored-object";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import { ApiClient, type ApiConnection } from "./api-client.ts";
import { ApiWatch } from "./api-watch.ts";
import { ResourcePaths } from "./resource-paths.ts";

const FIELD_MANAGER = "mizzen";
/** Others may be faster so often; then the writer is told. */
const MAX_ATTEMPTS = 16;

interface ListAnswer {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly StoredObject[];
}

export interface KubernetesObjectStoreOptions {
  readonly connection: ApiConnection;
  /** The connection with fresh credentials. */
  readonly renew?: () => ApiConnection;
  /** A watch broke off; it is taken up again when the server is back. */
  readonly onInterrupted?: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
}

export class KubernetesObjectStore implements ObjectStore {
  readonly #options: KubernetesObjectStoreOptions;
  readonly #client: ApiClient;
  readonly #paths: ResourcePaths;
  readonly #watches = new Set<ApiWatch>();

  constructor(options: KubernetesObjectStoreOptions) {
    this.#options = options;
    this.#client = new ApiClient(options.connection, options.renew);
    this.#paths = new ResourcePaths(this.#client);
  }

  async get(name: ObjectName): Promise<StoredObject> {
    return this.#client.call({ method: "GET", path: await this.#paths.ofObject(name) });
  }

  async list(resource: ResourceName, options: ListOptions = {}): Promise<ObjectList> {
    const { namespace, ...query } = options;
    keyPrefix(resource, namespace);
    const answer = await this.#client.call<ListAnswer>({ method: "GET", path: await this.#paths.of(resource, namespace), query });
    const { resourceVersion, continue: token, remainingItemCount } = answer.metadata;
    const kind = answer.kind.replace(/List$/u, "");
    return {
      resourceVersion,
      // Items of a list do not say what they are.
      items: answer.items.map((item) => ({ ...item, apiVersion: item.apiVersion ?? answer.apiVersion, kind: item.kind ?? kind })),
      ...(token === undefined || token === "" ? {} : { continue: token }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
  }

  async watch(resource: ResourceName, options: WatchOptions = {}): Promise<ObjectWatch> {
    const { namespace, labelSelector, fieldSelector, resourceVersion = "", sendInitialEvents, allowWatchBookmarks = false } = options;
    const selection = { namespace, labelSelector, fieldSelector };
    const fromNow = sendInitialEvents ?? (resourceVersion === "" || resourceVersion === "0");
    const initial = fromNow ? await this.list(resource, selection as ListOptions) : undefined;
    const watch: ApiWatch = new ApiWatch({
      client: this.#client,
      path: await this.#paths.of(resource, namespace),
      query: { labelSelector, fieldSelector },
      initial: initial?.items ?? [],
      resourceVersion: initial?.resourceVersion ?? resourceVersion,
      bookmarks: allowWatchBookmarks,
      initialEventsEnd: sendInitialEvents === true && allowWatchBookmarks,
      clock: this.#options.clock,
      random: this.#options.random,
      onInterrupted: (error) => this.#options.onInterrupted?.(error),
      onEnd: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    return watch;
  }

  async write(writes: readonly ObjectWrite[], options: WriteOptions = {}): Promise<readonly WriteResult[]> {
    if (writes.length > 1) for (const write of writes) await this.#try(write);
    if (options.dryRun === true && writes.length > 1) return Promise.all(writes.map((write) => this.#write(write, true)));
    const results: WriteResult[] = [];
    for (const write of writes) {
      try {
        results.push(await this.#write(write, options.dryRun === true));
      } catch (error) {
        if (results.length === 0 || !(error instanceof StatusError)) throw error;
        const kept = writes.slice(0, results.length).map(({ name }) => `${resourceText(name)} ${JSON.stringify(name.name)}`);
        const message = `${error.message}; written before it, and not taken back: ${kept.join(", ")}`;
        throw new StatusError(error.reason, message, { details: error.status.details, cause: error });
      }
    }
    return results;
  }

  async versions(name: ObjectName): Promise<readonly ObjectVersion[]> {
    objectKey(name);
    throw new StatusError("MethodNotAllowed", "an API server of Kubernetes keeps no versions of its objects");
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    this.#client.close();
  }

  /** Whether the server would take it. What an earlier write of the set makes is not there yet, and no fault. */
  async #try(write: ObjectWrite): Promise<void> {
    try {
      await this.#write(write, true);
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
    }
  }

  async #write(write: ObjectWrite, dryRun: boolean): Promise<WriteResult> {
    const query = { fieldManager: FIELD_MANAGER, ...(dryRun ? { dryRun: "All" } : {}) };
    switch (write.verb) {
      case "create":
        return this.#create(write.name, write.object, query);
      case "update":
        return this.#update(write.name, write.object, write.subresource, query);
      case "modify":
        return this.#modify(write, query);
      case "delete":
        return this.#delete(write, dryRun);
    }
  }

  async #create(name: ObjectName, object: StoredObject, query: Query): Promise<WriteResult> {
    if (name.name !== "") objectKey(name);
    const path = await this.#paths.of(name, name.namespace);
    return { outcome: "created", object: await this.#client.call({ method: "POST", path, query, body: object }) };
  }

  async #update(name: ObjectName, object: StoredObject, subresource: string | undefined, query: Query): Promise<WriteResult> {
    const path = await this.#paths.ofObject(name, subresource);
    // Custom resources want the version that is replaced; without one of the writer's, it is whatever is there.
    const body = object.metadata.resourceVersion === undefined ? withVersionOf(object, await this.get(name)) : object;
    const after = await this.#client.call<StoredObject>({ method: "PUT", path, query, body });
    return { outcome: outcomeOf(body, after), object: after };
  }

  async #modify(write: Extract<ObjectWrite, { verb: "modify" }>, query: Query): Promise<WriteResult> {
    const { name, change, subresource, mayCreate = false } = write;
    for (let attempt = 1; ; attempt++) {
      const current = await this.get(name).catch((error: unknown) => {
        if (mayCreate && error instanceof StatusError && error.reason === "NotFound") return undefined;
        throw error;
      });
      try {
        if (current === undefined) return await this.#create(name, change(undefined), query);
        return await this.#update(name, withVersionOf(change(current), current), subresource, query);
      } catch (error) {
        const faster = error instanceof StatusError && (error.reason === "Conflict" || error.reason === "AlreadyExists");
        if (!faster || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #delete(
    { name, preconditions, propagationPolicy }: Extract<ObjectWrite, { verb: "delete" }>,
    dryRun: boolean,
  ): Promise<WriteResult> {
    const before = await this.get(name);
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(dryRun ? { dryRun: ["All"] } : {}),
    };
    const answer = await this.#client.call<StoredObject>({ method: "DELETE", path: await this.#paths.ofObject(name), body });
    // A server answers with the object, where it has to wait, or with a Status.
    const object = answer.kind === "Status" ? before : answer;
    const held = object.metadata.deletionTimestamp !== undefined && isHeld(object);
    return { outcome: held ? "terminating" : "deleted", object };
  }
}

type Query = Readonly<Record<string, string | undefined>>;

function isHeld(object: StoredObject): boolean {
  const spec = object["spec"] as { readonly finalizers?: readonly string[] } | undefined;
  return (object.metadata.finalizers ?? []).length > 0 || (object.kind === "Namespace" && (spec?.finalizers ?? []).length > 0);
}

function withVersionOf(object: StoredObject, { metadata }: StoredObject): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(metadata.resourceVersion) } };
}

function outcomeOf(before: StoredObject, after: StoredObject): WriteResult["outcome"] {
  if (before.metadata.resourceVersion === after.metadata.resourceVersion) return "unchanged";
  return after.metadata.deletionTimestamp !== undefined && !isHeld(after) ? "deleted" : "updated";
}
