// What is worth knowing about services: selectors that select nothing. Pure.
import type { Finding } from "#api/finding";
import { LabelIndex, selects, type Labels } from "#control-plane/registry/labels";
import type { Service } from "#control-plane/registry/service";
import { endpointLists } from "#control-plane/registry/endpoint-slices";
import type { WorkloadEntrySpec } from "#api/workload-entry";
import type { WorkloadGroupSpec } from "#api/workload-group";
import type { ObjectSet } from "#control-plane/config/object-set";
import { groupLabels } from "#control-plane/registry/workload-instances";

export interface ServiceFindingInputs {
  readonly services: readonly Service[];
  readonly objects: ObjectSet;
  /** Labels of the gateway proxies: their Service needs no WorkloadGroup. */
  readonly gatewayLabels: readonly Labels[];
}

export function serviceFindings({ services, objects, gatewayLabels }: ServiceFindingInputs): readonly Finding[] {
  const findings: Finding[] = [];
  const workloads = new LabelIndex(
    workloadsOf(objects),
    (workload) => workload.namespace,
    (workload) => workload.labels,
  );
  const lists = endpointLists(objects);
  for (const service of services) {
    const { selector, namespace } = service;
    const { object } = service;
    if (selector !== undefined && gatewayLabels.some((labels) => selects(selector, labels))) continue;
    // Who lists instances elsewhere has said where they are: in the ServiceEntry itself, in EndpointSlices.
    if (service.source === "ServiceEntry" || lists.has(`${namespace}/${service.name}`)) {
      // Nothing to find out.
    } else if (selector === undefined) {
      if (service.alias === undefined) {
        findings.push({
          level: "info",
          code: "MZ0009",
          message: `the service has no selector, so it has no endpoints: requests for ${service.hostname} are answered with 503`,
          object,
          hint: "give it a selector that a WorkloadGroup or WorkloadEntry bears",
        });
      }
    } else if (workloads.select(namespace, selector).length === 0) {
      findings.push({
        level: "info",
        code: "MZ0009",
        message: `no WorkloadGroup or WorkloadEntry in namespace ${namespace} bears the selector's labels: requests for ${service.hostname} are answered with 503`,
        object,
        field: "spec.selector",
        hint: "add a WorkloadGroup with these labels, or start the workload with `mizzen run`",
      });
    }
  }
  return findings;
}

function* workloadsOf(objects: ObjectSet): Iterable<{ readonly namespace: string; readonly labels: Labels }> {
  for (const { metadata, spec } of objects.list<WorkloadGroupSpec>("WorkloadGroup")) {
    yield { namespace: metadata.namespace, labels: groupLabels(spec) };
  }
  for (const { metadata, spec } of objects.list<WorkloadEntrySpec>("WorkloadEntry")) {
    yield { namespace: metadata.namespace, labels: { ...metadata.labels, ...spec.labels } };
  }
}
