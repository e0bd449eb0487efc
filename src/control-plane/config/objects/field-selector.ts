// Field selectors: `metadata.name=reviews,status.phase!=Running`. As in Kubernetes every resource has few fields that can be asked
// for, custom resources only their name and namespace.
import { StatusError } from "#control-plane/config/status-error";
import { resourceText, type ResourceName, type StoredObject } from "#control-plane/config/stored-object";

const EVERYWHERE = ["metadata.name", "metadata.namespace"];

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  events: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  namespaces: ["status.phase"],
  nodes: ["spec.unschedulable"],
  pods: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  replicationcontrollers: ["status.replicas"],
  secrets: ["type"],
  services: ["spec.clusterIP", "spec.type"],
  "jobs.batch": ["status.successful"],
  "replicasets.apps": ["status.replicas"],
  "certificatesigningrequests.certificates.k8s.io": ["spec.signerName"],
};

function valueAt(object: StoredObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) {
    value =
      typeof value === "object" && value !== null && Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined;
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Undefined: everything is selected. @throws StatusError BadRequest */
export function parseFieldSelector(resource: ResourceName, text: string | undefined): ((object: StoredObject) => boolean) | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const known = [...EVERYWHERE, ...(FIELDS[resourceText(resource)] ?? [])];
  const terms = text.split(/(?<!\\),/u).map((term) => {
    const parsed = /^\s*([^=!]+?)(!=|==|=)(.*)$/su.exec(term);
    if (parsed === null) throw StatusError.badRequest(`invalid field selector ${JSON.stringify(term)}; can't understand it`);
    const [, field = "", operator = "", written = ""] = parsed;
    if (!known.includes(field)) throw StatusError.badRequest(`field label not supported: ${field}`);
    return { path: field.split("."), equal: operator !== "!=", wanted: written.replace(/\\([\\,=])/gu, "$1") };
  });
  return (object) => terms.every(({ path, equal, wanted }) => (valueAt(object, path) === wanted) === equal);
}
