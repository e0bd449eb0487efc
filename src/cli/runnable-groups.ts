// From WorkloadGroup objects to what the supervisor runs. Pure.
import { dirname, isAbsolute, resolve } from "node:path";
import { probeSpec, protocolOfPortName } from "#agent/workload-spec";
import type { ApiObject } from "#api/object";
import type { WorkloadGroupSpec } from "#api/workload-group";
import type { RunnableGroup } from "#embedded/child-messages";

const RUN_ANNOTATION = "mizzen.io/run";

// Istio's default for MeshConfig.defaultConfig.terminationDrainDuration, and the most that the embedded mesh waits.
const TERMINATION_DRAIN_MS = 5_000;

/** @param file where the object stands, or undefined for objects that stand in no file */
export function runnableGroup(object: ApiObject<WorkloadGroupSpec>, file: string | undefined): RunnableGroup {
  const { metadata, spec } = object;
  const template = spec.template;
  // Istio takes the labels of spec.metadata and those of the template together; the template's win.
  const labels = { ...spec.metadata?.labels, ...template?.labels };
  const command = metadata.annotations[RUN_ANNOTATION]?.trim();
  return {
    spec: {
      namespace: metadata.namespace,
      group: metadata.name,
      labels,
      serviceAccount: template?.serviceAccount === undefined || template.serviceAccount === "" ? "default" : template.serviceAccount,
      ports: Object.entries(template?.ports ?? {}).map(([name, number]) => ({ name, number, protocol: protocolOfPortName(name) })),
      probe: probeSpec(spec.probe),
    },
    command: command === "" ? undefined : command,
    directory: file === undefined ? process.cwd() : dirname(isAbsolute(file) ? file : resolve(file)),
    terminationDrainMs: TERMINATION_DRAIN_MS,
  };
}
