// Which of Kubernetes' lists are merged, and by what: facts of its API (patchMergeKey, listType, listMapKeys), which declarations do not say.
import type { Schema } from "./schema.ts";

type Merging = Pick<Schema, "merge" | "patchMergeKey">;

function by(...keys: readonly string[]): Merging {
  return { merge: { keys }, patchMergeKey: keys[0] ?? "" };
}

const VALUES: Merging = { merge: "set", patchMergeKey: "" };
/** Ports without a protocol are TCP's. */
const PORTS = { protocol: "TCP" };

/** `Message.field`, with messages named as in declarations. */
const MERGED: Readonly<Record<string, Merging>> = {
  "ObjectMeta.finalizers": VALUES,
  "ObjectMeta.ownerReferences": by("uid"),
  "PodSpec.containers": by("name"),
  "PodSpec.initContainers": by("name"),
  "PodSpec.ephemeralContainers": by("name"),
  "PodSpec.volumes": by("name"),
  "PodSpec.imagePullSecrets": by("name"),
  "PodSpec.hostAliases": by("ip"),
  "PodSpec.topologySpreadConstraints": { merge: { keys: ["topologyKey", "whenUnsatisfiable"] }, patchMergeKey: "topologyKey" },
  "Container.ports": { merge: { keys: ["containerPort", "protocol"], defaults: PORTS }, patchMergeKey: "containerPort" },
  "Container.env": by("name"),
  "Container.volumeMounts": by("mountPath"),
  "Container.volumeDevices": by("devicePath"),
  "EphemeralContainer.ports": { merge: { keys: ["containerPort", "protocol"], defaults: PORTS }, patchMergeKey: "containerPort" },
  "EphemeralContainer.env": by("name"),
  "EphemeralContainer.volumeMounts": by("mountPath"),
  "Service.ports": { merge: { keys: ["port", "protocol"], defaults: PORTS }, patchMergeKey: "port" },
  "ServiceAccount.secrets": by("name"),
  "ValidatingWebhookConfiguration.webhooks": by("name"),
  "MutatingWebhookConfiguration.webhooks": by("name"),
  "Status.conditions": by("type"),
};

export function listMerging(message: string, field: string): Merging | undefined {
  const key = `${message}.${field}`;
  return Object.hasOwn(MERGED, key) ? MERGED[key] : undefined;
}
