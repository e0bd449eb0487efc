// What the checks of an object store work with: a namespace of their own in it, objects, and what is read of a watch.
import assert from "node:assert/strict";
import type { ObjectStore, ObjectWatch, ObjectWrite, WatchEvent, WatchOptions } from "#control-plane/config/object-store";
import { StatusError, type StatusReason } from "#control-plane/config/status-error";
import type { ObjectName, ResourceName, StoredMeta, StoredObject } from "#control-plane/config/stored-object";

export interface ObjectStoreBench {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

export interface ObjectStoreTraits {
  /** Several writes are kept together, and versions are kept. */
  readonly transactions: boolean;
  /** Forgets what happened until now, as a compaction does. Absent where a test cannot make it happen. */
  readonly compact?: (bench: ObjectStoreBench) => Promise<void>;
}

export const VIRTUAL_SERVICES: ResourceName = { group: "networking.istio.io", resource: "virtualservices" };
export const CONFIG_MAPS: ResourceName = { group: "", resource: "configmaps" };
export const NAMESPACES: ResourceName = { group: "", resource: "namespaces" };

export function virtualService(name: string, host = "reviews", metadata: StoredMeta = {}): StoredObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { ...(name === "" ? {} : { name }), ...metadata },
    spec: { hosts: [host], http: [{ route: [{ destination: { host } }] }] },
  };
}

export function configMap(name: string, text: string, metadata: StoredMeta = {}): StoredObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data: { text } };
}

export function namespaceObject(name: string): StoredObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** What a check works with: a namespace of its own, so that a server may be shared. */
export class Room {
  readonly store: ObjectStore;
  readonly namespace: string;

  constructor(store: ObjectStore, namespace: string) {
    this.store = store;
    this.namespace = namespace;
  }

  name(name: string, resource = VIRTUAL_SERVICES): ObjectName {
    return { ...resource, namespace: this.namespace, name };
  }

  async write(write: ObjectWrite): Promise<StoredObject> {
    const [result] = await this.store.write([write]);
    assert.ok(result);
    return result.object;
  }

  create(name: string, object = virtualService(name), resource = VIRTUAL_SERVICES): Promise<StoredObject> {
    return this.write({ verb: "create", name: this.name(name, resource), object });
  }

  createMap(name: string, text = "", metadata: StoredMeta = {}): Promise<StoredObject> {
    return this.create(name, configMap(name, text, metadata), CONFIG_MAPS);
  }

  async names(options: Parameters<ObjectStore["list"]>[1] = {}, resource = VIRTUAL_SERVICES): Promise<readonly string[]> {
    const { items } = await this.store.list(resource, { namespace: this.namespace, ...options });
    return items.map(({ metadata }) => String(metadata.name));
  }

  /** Ends when there is no such object, or no more. */
  async gone(name: ObjectName): Promise<void> {
    const { group, resource, namespace } = name;
    const bookmarks = { sendInitialEvents: true, allowWatchBookmarks: true };
    const watch = await this.store.watch({ group, resource }, { namespace, fieldSelector: `metadata.name=${name.name}`, ...bookmarks });
    let there = false;
    for await (const event of watch) {
      if (event.type === "BOOKMARK" ? !there : event.type === "DELETED") break;
      there = true;
    }
  }

  /** Takes away what holds an object that is being deleted. */
  release(name: ObjectName): Promise<StoredObject> {
    const change = (current: StoredObject | undefined): StoredObject => {
      assert.ok(current);
      const { finalizers: _finalizers, ...metadata } = current.metadata;
      return { ...current, metadata };
    };
    return this.write({ verb: "modify", name, change });
  }

  watch(options: WatchOptions = {}, resource = VIRTUAL_SERVICES): Promise<ObjectWatch> {
    return this.store.watch(resource, { namespace: this.namespace, ...options });
  }
}

/** The next `count` events as `TYPE name`, then the watch is closed. */
export async function take(watch: ObjectWatch, count: number): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  if (count > 0) {
    for await (const event of watch) {
      events.push(event);
      if (events.length === count) break;
    }
  }
  watch.close();
  return events;
}

export function texts(events: readonly WatchEvent[]): readonly string[] {
  return events.map((event) => (event.type === "BOOKMARK" ? event.type : `${event.type} ${String(event.object.metadata.name)}`));
}

export function ownedBy(owner: StoredObject, blockOwnerDeletion = false): StoredMeta {
  const { name = "", uid = "" } = owner.metadata;
  return { ownerReferences: [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid, blockOwnerDeletion }] };
}

export async function refuses(promise: Promise<unknown>, reason: StatusReason, message?: RegExp): Promise<StatusError> {
  const error = await promise.then(
    () => assert.fail(`was not refused; ${reason} was expected`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StatusError, String(error));
  assert.equal(error.reason, reason, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return error;
}

export type Check = (name: string, body: (room: Room, bench: ObjectStoreBench) => Promise<void>) => void;
