// Objects as the Kubernetes API knows them: JSON with metadata, addressed by group, resource, namespace and name. What a field of a
// spec means is api/'s business; here only metadata says something, and of a Namespace its finalizers.
import { StatusError } from "./status-error.ts";

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface StoredMeta {
  readonly name?: string;
  readonly generateName?: string;
  /** Absent in kinds without a namespace. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
  readonly [field: string]: unknown;
}

/** The annotation in which kubectl notes what it applied, for itself. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Shared by everybody who reads it: never changed in place. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
  readonly [field: string]: unknown;
}

/** `resource` is the plural in lower case: `virtualservices`. The core group is "". */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

export interface ObjectName extends ResourceName {
  /** "" for kinds without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Kubernetes' path.IsValidPathSegmentName, and no control characters. */
const notInSegment = /[/%\p{Cc}]/u;

function segment(value: string, what: string): string {
  if (value.length > 253 || value === "." || value === ".." || notInSegment.test(value)) {
    throw StatusError.badRequest(`${JSON.stringify(value.slice(0, 253))} is no ${what}`);
  }
  return value;
}

/** What all keys of a resource begin with; with a namespace, those of the resource in it. */
export function keyPrefix(resource: ResourceName, namespace?: string): string {
  const whole = `${segment(resource.group, "API group")}/${segment(resource.resource, "resource")}/`;
  return namespace === undefined || namespace === "" ? whole : `${whole}${segment(namespace, "namespace")}/`;
}

/** Lists are in the order of keys, as Kubernetes' are in the order of etcd's. */
export function objectKey(name: ObjectName): string {
  if (name.name === "") throw StatusError.badRequest("an object needs a name");
  const namespace = segment(name.namespace, "namespace");
  return `${keyPrefix(name)}${namespace}/${segment(name.name, "name")}`;
}

export function parseObjectKey(key: string): ObjectName {
  const [group = "", resource = "", namespace = "", name = ""] = key.split("/");
  return { group, resource, namespace, name };
}

/** As Kubernetes' messages name a resource: `virtualservices.networking.istio.io`. */
export function resourceText({ group, resource }: ResourceName): string {
  return group === "" ? resource : `${resource}.${group}`;
}

export function withResourceVersion(object: StoredObject, resourceVersion: string): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}
