// Kinds that need a node: they are stored, and say in status, warning and event that nothing runs them here and what to do instead.
import { memberAt, textAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import type { Resource } from "#control-plane/api-server/resources/resource";

const REASON = "NothingRunsPods";
const INSTEAD = "declare a WorkloadGroup with the annotation mizzen.io/run, or start the program with `mizzen run`";

/** Kinds whose pods nothing runs -> the condition that says so. */
const CONDITIONS: Readonly<Record<string, string>> = {
  "/Pod": "PodScheduled",
  "/ReplicationController": "ReplicaFailure",
  "apps/Deployment": "Available",
  "apps/ReplicaSet": "ReplicaFailure",
  "apps/StatefulSet": "Available",
  "apps/DaemonSet": "Available",
  "batch/Job": "Suspended",
  "batch/CronJob": "Suspended",
};
/** Conditions that say what is wrong, rather than what is not right. */
const NEGATIVE: ReadonlySet<string> = new Set(["ReplicaFailure"]);

function conditionType({ group, kind }: Resource): string | undefined {
  const key = `${group}/${kind}`;
  return Object.hasOwn(CONDITIONS, key) ? CONDITIONS[key] : undefined;
}

export function needsNode(resource: Resource): boolean {
  return conditionType(resource) !== undefined;
}

export function nothingRuns(kind: string): string {
  return `nothing runs a ${kind} here: ${INSTEAD}`;
}

export function nodeWarning({ kind }: Resource): string {
  return `${nothingRuns(kind)} [MZ0004]`;
}

/** The status of a new object; undefined for kinds that need no node. */
export function statusWithoutNode(resource: Resource, now: string): JsonObject | undefined {
  const type = conditionType(resource);
  if (type === undefined) return undefined;
  const condition = {
    type,
    status: NEGATIVE.has(type) ? "True" : "False",
    reason: REASON,
    message: nothingRuns(resource.kind),
    lastTransitionTime: now,
  };
  return { ...(resource.kind === "Pod" ? { phase: "Pending" } : {}), conditions: [condition] };
}

/** The Event about a new object. */
export function eventWithoutNode(resource: Resource, object: JsonObject, name: string, now: string): JsonObject {
  const metadata = memberAt(object, "metadata");
  const namespace = textAt(metadata, "namespace");
  const involvedObject: Json = {
    apiVersion: textAt(object, "apiVersion"),
    kind: resource.kind,
    name: textAt(metadata, "name"),
    namespace,
    uid: textAt(metadata, "uid"),
  };
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace },
    involvedObject,
    type: "Warning",
    reason: REASON,
    message: nothingRuns(resource.kind),
    source: { component: "mizzen" },
    reportingComponent: "mizzen",
    reportingInstance: "",
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}
