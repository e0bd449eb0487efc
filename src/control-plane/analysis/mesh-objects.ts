// A mesh without a cluster has no pods: for analysis its workloads and gateways stand in for them. Whoever asks for a pod asks for
// something that bears labels and has a proxy.
import { decode } from "#api/decode";
import { meshNetworks } from "#api/mesh-networks";
import type { WorkloadGroupSpec } from "#api/workload-group";
import { readYaml } from "#api/yaml-source";
import { groupLabels } from "#control-plane/registry/workload-instances";
import type { Labels } from "#control-plane/registry/labels";
import { madeObject, type AnalyzedObject } from "./analyzed-object.ts";
import { PROXY_CONTAINER } from "./in-mesh.ts";
import { labelsOf } from "./specs.ts";

/** The annotation that says that the image is the owner's choice. */
const OWN_IMAGE = { "sidecar.istio.io/proxyImage": "mizzen" };
const POD_SPEC = { containers: [{ name: PROXY_CONTAINER, image: "mizzen" }] };

export function standInPod(namespace: string, name: string, labels: Labels): AnalyzedObject {
  return madeObject({ kind: "Pod", namespace, name }, POD_SPEC, { labels, annotations: OWN_IMAGE });
}

/** One for each WorkloadGroup and WorkloadEntry. */
export function workloadPods(objects: Iterable<AnalyzedObject>): readonly AnalyzedObject[] {
  const pods: AnalyzedObject[] = [];
  for (const { key, labels, spec } of objects) {
    if (key.kind === "WorkloadGroup")
      pods.push(standInPod(key.namespace, key.name, groupLabels({ template: {}, ...(spec as Partial<WorkloadGroupSpec>) })));
    else if (key.kind === "WorkloadEntry") {
      const own = labelsOf((spec as { readonly labels?: Readonly<Record<string, string>> }).labels);
      pods.push(standInPod(key.namespace, key.name, { ...labels, ...own }));
    }
  }
  return pods;
}

/** What files show completely: kinds that they hold, and pods where workloads stand in for them. */
export function seenKinds(objects: Iterable<AnalyzedObject>): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const { key } of objects) kinds.add(key.kind);
  if (kinds.has("WorkloadGroup") || kinds.has("WorkloadEntry")) kinds.add("Pod");
  return kinds;
}

/** MeshNetworks from its text in YAML, as far as it can be decoded. */
export function meshNetworksObject(namespace: string, text: string): AnalyzedObject {
  const root = readYaml(text, "meshNetworks")[0]?.root;
  const spec = root === undefined ? undefined : decode(meshNetworks.shape, root, [], () => undefined);
  return madeObject({ kind: "MeshNetworks", namespace, name: "meshnetworks" }, (spec ?? {}) as object);
}
