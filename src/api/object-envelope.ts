// What every object has around its spec, and the ConfigMap that Istio keeps MeshConfig in.
import { field, int64, json, map, message, repeated, string, type Decoded } from "./declaration.ts";

/** Kubernetes' ObjectMeta: what the API server manages may stand in a file that was read from it, and is not looked into. */
export const objectMeta = message("metadata", {
  name: field(string, "The object's name"),
  namespace: field(string, "The object's namespace"),
  labels: field(map(string), "Labels"),
  annotations: field(map(string), "Annotations"),
  generateName: field(string, "What a generated name begins with"),
  creationTimestamp: field(string, "When it was made"),
  generation: field(int64, "How often the spec has changed"),
  resourceVersion: field(string, "The version in the store"),
  uid: field(string, "The object's id"),
  finalizers: field(repeated(string), "What must happen before it is deleted"),
  ownerReferences: field(json, "What it belongs to"),
  managedFields: field(json, "Who wrote which field"),
  deletionTimestamp: field(string, "When its deletion was asked for"),
  deletionGracePeriodSeconds: field(int64, "How long its deletion may take"),
  selfLink: field(string, "Not used by Kubernetes"),
});
export type WrittenMeta = Decoded<typeof objectMeta>;

export const objectEnvelope = message("object", {
  apiVersion: field(string, "The API group and version"),
  kind: field(string, "The kind"),
  metadata: field(json, "Name, namespace, labels, annotations"),
  spec: field(json, "What is wanted"),
  status: field(json, "What is; not read"),
});

/** Of a kind without a spec: what is not its own. */
export const objectHead = message("object", {
  apiVersion: field(string, "The API group and version"),
  kind: field(string, "The kind"),
  metadata: field(json, "Name, namespace, labels, annotations"),
});

export const configMap = message("ConfigMap", {
  apiVersion: field(string, "The API group and version"),
  kind: field(string, "The kind"),
  metadata: field(json, "Name, namespace, labels, annotations"),
  data: field(map(string), "Texts by name; mesh is MeshConfig"),
  binaryData: field(json, "Bytes by name"),
  immutable: field(json, "Whether it may change"),
});
