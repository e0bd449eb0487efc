// Whether a pod is, or will be, part of the mesh: by its sidecar, its labels, its namespace.
import type { PodSpec } from "#api/kubernetes/pod";
import type { AnalyzedObject, ObjectOf } from "./analyzed-object.ts";
import type { ObjectTable } from "./object-table.ts";
import type { Written } from "./specs.ts";

export const PROXY_CONTAINER = "istio-proxy";
export const INJECTION_LABEL = "istio-injection";
export const REVISION_LABEL = "istio.io/rev";
export const DATAPLANE_MODE_LABEL = "istio.io/dataplane-mode";
export const INJECT_LABEL = "sidecar.istio.io/inject";
export const AMBIENT_MODE = "ambient";

type Containers = NonNullable<Written<PodSpec>["containers"]>;
type Texts = Readonly<Record<string, string | undefined>>;

/** The image of the sidecar; undefined when there is none. */
export function proxyImage(containers: Containers): string | undefined {
  const image = containers.find((container) => container?.name === PROXY_CONTAINER)?.image ?? "";
  return image === "" ? undefined : image;
}

export function isPodInMesh(pod: ObjectOf<"Pod">, objects: ObjectTable): boolean {
  const containers = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return isInMesh(containers, pod.labels, pod.annotations, pod.key.namespace, objects);
}

export function isDeploymentInMesh({ spec, key }: ObjectOf<"Deployment">, objects: ObjectTable): boolean {
  const { metadata, spec: pod } = spec.template ?? {};
  return isInMesh(pod?.containers ?? [], metadata?.labels ?? {}, metadata?.annotations ?? {}, key.namespace, objects);
}

function isInMesh(containers: Containers, labels: Texts, annotations: Texts, namespace: string, objects: ObjectTable): boolean {
  if (proxyImage(containers) !== undefined) return true;
  const written = labels[INJECT_LABEL] ?? annotations[INJECT_LABEL];
  if (written !== undefined) return written === "true";
  return objects.find("Namespace", "", namespace)?.labels[INJECTION_LABEL] === "enabled";
}

export function isPodAmbient(pod: AnalyzedObject): boolean {
  return pod.annotations["ambient.istio.io/redirection"] === "enabled";
}

export function isNamespaceAmbient(namespace: AnalyzedObject | undefined): boolean {
  if (namespace === undefined || namespace.labels[INJECTION_LABEL] === "enabled") return false;
  if ((namespace.labels[REVISION_LABEL] ?? "") !== "") return false;
  return namespace.labels[DATAPLANE_MODE_LABEL] === AMBIENT_MODE;
}

/** What belongs to Istio itself. */
export function isControlPlane({ labels }: AnalyzedObject): boolean {
  return labels["istio"] !== undefined || labels["release"] === "istio";
}
