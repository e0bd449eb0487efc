// Pods as instances of applications. Their addresses are in their status, their locality is that of their node.
import type { NodeSpec } from "#api/kubernetes/core";
import type { PodSpec } from "#api/kubernetes/pod";
import type { ApiObject } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import { localityOfLabel, localityOfNode } from "./locality.ts";
import { Memo } from "./memo.ts";
import { tlsModeOf, type WorkloadInstance } from "./service.ts";

export const WORKLOAD_NAME_LABEL = "service.istio.io/workload-name";
export const NETWORK_LABEL = "topology.istio.io/network";

const made = new Memo<WorkloadInstance | undefined>();
const localities = new Memo<string>();

/** Pods that have an address and have not ended, ready or not, in the order of the set. */
export function podInstances(objects: ObjectSet): readonly WorkloadInstance[] {
  const pods = objects.list<PodSpec>("Pod");
  if (pods.length === 0) return [];
  const nodes = new Map(objects.list<NodeSpec>("Node").map((node) => [node.metadata.name, node]));
  const instances: WorkloadInstance[] = [];
  for (const pod of pods) {
    const node = nodes.get(pod.spec.nodeName ?? "");
    const nodeLocality = node === undefined ? "" : localities.get(node, "", () => localityOfNode(node.metadata.labels));
    const instance = made.get(pod, nodeLocality, () => fromPod(pod, nodeLocality));
    if (instance !== undefined) instances.push(instance);
  }
  return instances;
}

function fromPod(pod: ApiObject<PodSpec>, nodeLocality: string): WorkloadInstance | undefined {
  const { metadata, spec } = pod;
  const status = statusOf(pod);
  const [address] = status.addresses;
  if (address === undefined || status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const { labels } = metadata;
  const ports: Record<string, number> = {};
  for (const container of spec.containers ?? []) {
    for (const port of container.ports ?? []) if (port.name !== undefined && port.name !== "") ports[port.name] ??= port.containerPort;
  }
  return {
    kind: "Pod",
    name: metadata.name,
    namespace: metadata.namespace,
    workload: labels[WORKLOAD_NAME_LABEL] ?? deploymentOf(pod),
    address,
    addresses: status.addresses,
    labels,
    serviceAccount: spec.serviceAccountName ?? spec.serviceAccount ?? "",
    ports,
    listening: [],
    locality: localityOfLabel(labels) || nodeLocality,
    weight: 1,
    network: labels[NETWORK_LABEL] ?? "",
    health: status.ready ? "HEALTHY" : "UNHEALTHY",
    tlsMode: tlsModeOf(labels),
    nodeName: spec.nodeName ?? "",
    hostname: spec.hostname ?? "",
    subdomain: spec.subdomain ?? "",
  };
}

interface PodStatus {
  readonly phase: string;
  readonly addresses: readonly string[];
  readonly ready: boolean;
}

/** The status is not checked when it is read from a file: whatever is not of its form counts as not written. */
function statusOf(pod: ApiObject<PodSpec>): PodStatus {
  const status = recordOf(pod.status);
  const first = status["podIP"];
  const addresses = [first, ...listOf(status["podIPs"]).map((entry) => recordOf(entry)["ip"])];
  const ready = listOf(status["conditions"]).some((entry) => recordOf(entry)["type"] === "Ready" && recordOf(entry)["status"] === "True");
  return {
    phase: typeof status["phase"] === "string" ? status["phase"] : "",
    addresses: [...new Set(addresses.filter((address) => typeof address === "string" && address !== ""))] as readonly string[],
    ready,
  };
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A pod of a Deployment belongs to a ReplicaSet, whose name is the Deployment's and a hash; a CronJob's Job has a time at its end. */
function deploymentOf({ metadata }: ApiObject<PodSpec>): string {
  if ((metadata.generateName ?? "") === "") return metadata.name;
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner === undefined) return metadata.name;
  const hash = metadata.labels["pod-template-hash"];
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) return owner.name.slice(0, -hash.length - 1);
  if (owner.kind === "Job") return owner.name.replace(/-\d{8}(?:\d{2})?$/u, "");
  return owner.name;
}
