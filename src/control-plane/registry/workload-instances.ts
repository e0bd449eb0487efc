// Every running instance: WorkloadEntry objects that somebody wrote, and workloads that agents registered, shaped by their group.
import type { Finding } from "#api/finding";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { WorkloadEntrySpec } from "#api/workload-entry";
import type { WorkloadGroupSpec } from "#api/workload-group";
import type { ApiObject } from "#api/object";
import { localityOfLabel } from "./locality.ts";
import { Memo } from "./memo.ts";
import { listOf, NETWORK_LABEL, recordOf, WORKLOAD_NAME_LABEL } from "./pod-instances.ts";
import { tlsModeOf, type HealthStatus, type WorkloadInstance } from "./service.ts";
import type { RegisteredWorkload } from "./workload-registrations.ts";

const REGISTRATION_GROUP = "istio.io/autoRegistrationGroup";
const HEALTH_CHECKS = "proxy.istio.io/health-checks-enabled";

const entries = new Memo<WorkloadInstance>();
const registrations = new Memo<WorkloadInstance>();

export function workloadInstances(
  objects: ObjectSet,
  registered: readonly RegisteredWorkload[],
  findings: Finding[],
): readonly WorkloadInstance[] {
  const instances: WorkloadInstance[] = [];
  for (const entry of objects.list<WorkloadEntrySpec>("WorkloadEntry")) {
    if (entry.spec.address === undefined || entry.spec.address === "") continue;
    instances.push(entries.get(entry, "", () => fromEntry(entry)));
  }
  for (const workload of registered) {
    const group = objects.get<WorkloadGroupSpec>("WorkloadGroup", workload.namespace, workload.group);
    if (group === undefined) {
      // A workload that is leaving, and its group with it, is nobody's mistake; it wants no traffic.
      if (workload.health === "DRAINING" || workload.health === "UNHEALTHY") continue;
      findings.push({
        level: "warning",
        code: "IST0101",
        message: `workload ${workload.namespace}/${workload.workload} belongs to WorkloadGroup "${workload.group}", which does not exist: it gets no traffic`,
        hint: "add the WorkloadGroup, or stop the workload",
      });
      continue;
    }
    instances.push(registrations.get(workload, group.metadata.resourceVersion, () => fromRegistration(workload, group.spec)));
  }
  return instances;
}

/** The labels that each instance of a group bears: those of its template, then those of its metadata, as Istio merges them. */
export function groupLabels(group: WorkloadGroupSpec): Readonly<Record<string, string>> {
  return { ...group.template.labels, ...group.metadata?.labels };
}

function fromEntry({ metadata, spec, status }: ApiObject<WorkloadEntrySpec>): WorkloadInstance {
  const address = spec.address ?? "";
  const labels = { ...spec.labels, ...metadata.labels };
  return {
    kind: "WorkloadEntry",
    name: metadata.name,
    namespace: metadata.namespace,
    workload: labels[WORKLOAD_NAME_LABEL] ?? metadata.annotations[REGISTRATION_GROUP] ?? metadata.name,
    address,
    addresses: [address],
    labels,
    serviceAccount: spec.serviceAccount ?? "",
    ports: spec.ports ?? {},
    listening: [],
    locality: spec.locality || localityOfLabel(labels),
    weight: spec.weight || 1,
    network: spec.network || (labels[NETWORK_LABEL] ?? ""),
    health: metadata.annotations[HEALTH_CHECKS] === "true" && !reportsHealthy(status) ? "UNHEALTHY" : "UNKNOWN",
    tlsMode: tlsModeOf(labels, spec.serviceAccount ? "istio" : "disabled"),
    nodeName: "",
    hostname: "",
    subdomain: "",
  };
}

/** The condition that an agent's probe keeps in the entry's status. */
function reportsHealthy(status: unknown): boolean {
  return listOf(recordOf(status)["conditions"]).some(
    (entry) => recordOf(entry)["type"] === "Healthy" && recordOf(entry)["status"] === "True",
  );
}

function fromRegistration(workload: RegisteredWorkload, group: WorkloadGroupSpec): WorkloadInstance {
  const { template } = group;
  // A group with a probe says when an instance is ready; without one, being registered is being ready.
  const unreported: HealthStatus = group.probe === undefined ? "HEALTHY" : "UNHEALTHY";
  const labels = { ...groupLabels(group), ...workload.labels };
  const serviceAccount = workload.serviceAccount || (template.serviceAccount ?? "");
  return {
    kind: "WorkloadEntry",
    name: workload.workload,
    namespace: workload.namespace,
    workload: workload.workload,
    address: workload.address,
    addresses: [workload.address],
    labels,
    serviceAccount,
    ports: { ...template.ports, ...workload.ports },
    listening: workload.listening,
    locality: workload.locality || (template.locality ?? ""),
    weight: template.weight || 1,
    network: workload.network || (template.network ?? ""),
    health: workload.health ?? unreported,
    tlsMode: tlsModeOf(labels, serviceAccount === "" ? "disabled" : "istio"),
    nodeName: "",
    hostname: "",
    subdomain: "",
  };
}
