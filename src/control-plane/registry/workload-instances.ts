// Every running instance: WorkloadEntry objects that somebody wrote, and workloads that agents registered, shaped by their group.
import type { Finding } from "#api/finding";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { WorkloadEntrySpec } from "#api/workload-entry";
import type { WorkloadGroupSpec } from "#api/workload-group";
import type { HealthStatus, WorkloadInstance } from "./service.ts";
import type { RegisteredWorkload } from "./workload-registrations.ts";

export function workloadInstances(
  objects: ObjectSet,
  registered: readonly RegisteredWorkload[],
  findings: Finding[],
): readonly WorkloadInstance[] {
  const instances: WorkloadInstance[] = [];
  for (const { metadata, spec } of objects.list<WorkloadEntrySpec>("WorkloadEntry")) {
    if (spec.address === undefined || spec.address === "") continue;
    instances.push({
      name: metadata.name,
      namespace: metadata.namespace,
      address: spec.address,
      labels: { ...metadata.labels, ...spec.labels },
      serviceAccount: spec.serviceAccount ?? "",
      ports: spec.ports ?? {},
      listening: [],
      locality: spec.locality ?? "",
      weight: spec.weight || 1,
      network: spec.network ?? "",
      health: "HEALTHY",
    });
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
    instances.push(fromRegistration(workload, group.spec));
  }
  return instances;
}

/** The labels that each instance of a group bears: those of its template, then those of its metadata, as Istio merges them. */
export function groupLabels(group: WorkloadGroupSpec): Readonly<Record<string, string>> {
  return { ...group.template.labels, ...group.metadata?.labels };
}

function fromRegistration(workload: RegisteredWorkload, group: WorkloadGroupSpec): WorkloadInstance {
  const { template } = group;
  // A group with a probe says when an instance is ready; without one, being registered is being ready.
  const unreported: HealthStatus = group.probe === undefined ? "HEALTHY" : "UNHEALTHY";
  return {
    name: workload.workload,
    namespace: workload.namespace,
    address: workload.address,
    labels: { ...groupLabels(group), ...workload.labels },
    serviceAccount: workload.serviceAccount || (template.serviceAccount ?? ""),
    ports: { ...template.ports, ...workload.ports },
    listening: workload.listening,
    locality: workload.locality || (template.locality ?? ""),
    weight: template.weight || 1,
    network: workload.network || (template.network ?? ""),
    health: workload.health ?? unreported,
  };
}
