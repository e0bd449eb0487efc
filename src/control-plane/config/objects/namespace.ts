// What is special about a Namespace: it cannot go before what is in it. Kubernetes holds it by a finalizer in its spec, which the
// deletion of its contents takes away.
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName, ResourceName, StoredObject } from "#control-plane/config/stored-object";

const NAMESPACES: ResourceName = { group: "", resource: "namespaces" };
/** Taken away when the namespace is empty. */
export const NAMESPACE_FINALIZER = "kubernetes";
const NAME_LABEL = "kubernetes.io/metadata.name";
/** As in Kubernetes. */
const IMMORTAL: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

export function isNamespace({ group, resource }: ResourceName): boolean {
  return group === "" && resource === "namespaces";
}

export function namespaceName(namespace: string): ObjectName {
  return { ...NAMESPACES, namespace: "", name: namespace };
}

export function newNamespace(object: StoredObject): StoredObject {
  const spec = object["spec"] as { readonly finalizers?: readonly string[] } | undefined;
  return {
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, [NAME_LABEL]: String(object.metadata.name) } },
    spec: { ...spec, finalizers: [...new Set([...(spec?.finalizers ?? []), NAMESPACE_FINALIZER])] },
    status: { phase: "Active" },
  };
}

export function terminatingNamespace(object: StoredObject): StoredObject {
  return { ...object, status: { ...(object["status"] as object | undefined), phase: "Terminating" } };
}

export function finalizersOfNamespace(object: StoredObject): readonly string[] {
  const spec = object["spec"] as { readonly finalizers?: unknown } | undefined;
  return Array.isArray(spec?.finalizers) ? spec.finalizers.map(String) : [];
}

/** @throws StatusError Forbidden */
export function checkMortal(name: ObjectName): void {
  if (isNamespace(name) && IMMORTAL.has(name.name)) throw StatusError.forbidden(name, "this namespace may not be deleted");
}

/** Whether something may be created in a namespace. @throws StatusError NotFound, Forbidden */
export function checkNamespace(name: ObjectName, namespace: StoredObject | undefined): void {
  if (namespace === undefined) throw StatusError.notFound(namespaceName(name.namespace));
  if (namespace.metadata.deletionTimestamp === undefined) return;
  throw StatusError.forbidden(name, `unable to create new content in namespace ${name.namespace} because it is being terminated`, [
    { reason: "NamespaceTerminating", message: `namespace ${name.namespace} is being terminated`, field: "metadata.namespace" },
  ]);
}
