// Kinds that need a node: they are stored, and say in status, warning and event that nothing runs them here and what to do instead.
import { isList, memberAt, textAt, withMember, withMemberAt, type Json, type JsonObject } from "#control-plane/api-server/json";
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

/** Kinds whose status says of which generation it is. */
const OBSERVING: ReadonlySet<string> = new Set(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"]);
/** The one reason for which `kubectl rollout status` ends at once instead of waiting for what never comes. */
const GIVEN_UP = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" } as const;

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

export const NO_PODS = "no pods run here: the programs of the mesh are in `mizzen proxy-status`, their logs where `mizzen up` runs";

export function nodeWarning({ kind }: Resource): string {
  return `${nothingRuns(kind)} [MZ0004]`;
}

/** A status that others wrote stays; of ours, the generation is that of the object. */
export function withStatusWithoutNode(resource: Resource, object: JsonObject, now: string): JsonObject {
  const type = conditionType(resource);
  if (type === undefined) return object;
  const generation = memberAt(object, "metadata", "generation") ?? 1;
  const said = memberAt(object, "status", "conditions");
  if (isList(said) && said.some((one) => textAt(one, "reason") === REASON))
    return OBSERVING.has(resource.kind) ? withMemberAt(object, ["status", "observedGeneration"], generation) : object;
  return object["status"] === undefined ? withMember(object, "status", statusWithoutNode(resource, type, generation, now)) : object;
}

function statusWithoutNode(resource: Resource, type: string, generation: Json, now: string): JsonObject {
  const condition = {
    type,
    status: NEGATIVE.has(type) ? "True" : "False",
    reason: REASON,
    message: nothingRuns(resource.kind),
    lastTransitionTime: now,
  };
  if (resource.kind === "Pod") return { phase: "Pending", conditions: [condition] };
  return {
    ...(OBSERVING.has(resource.kind) ? { observedGeneration: generation } : {}),
    conditions: [condition, ...(resource.kind === "Deployment" ? [{ ...condition, ...GIVEN_UP }] : [])],
  };
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
