// The form that every object has, whoever wrote it. `spec` is decoded: lowerCamel names, durations as milliseconds, enums as
// their names, wrappers as plain values; a field that was not written is undefined.
import type { ObjectKey } from "./finding.ts";

export interface ObjectMeta {
  readonly name: string;
  /** "" for kinds without a namespace. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, set by the store; decides who is the oldest. */
  readonly creationTimestamp: string;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly uid: string;
  /** Of a pod: what its name was generated from, and who controls it. */
  readonly generateName?: string | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly controller: boolean;
}

export interface ApiObject<Spec = unknown, Kind extends string = string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  /** As it was written and not checked; only of kinds whose status says something to the mesh (a pod's address). */
  readonly status?: unknown;
}

export function keyOf(object: ApiObject): ObjectKey {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}

/** A map key for an object: kinds, namespaces and names hold no "|". */
export function keyString(key: ObjectKey): string {
  return `${key.kind}|${key.namespace}|${key.name}`;
}
