// Sidecars: which of them counts for a workload must be clear, and a selector must select something.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { isNamespaceAmbient, isPodAmbient } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorField, selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { LabelIndex } from "#control-plane/registry/labels";

type Sidecar = ObjectOf<"Sidecar">;

export const sidecarSelectorAnalyzer: Analyzer = {
  name: "sidecar.SelectorAnalyzer",
  description: "Selectors of Sidecars select workloads, no two of them the same one, and at most one of a namespace has none",
  inputs: ["Sidecar", "Pod", "Namespace"],
  needs: ["Pod"],
  analyze: (context) => {
    const index = new LabelIndex(
      context.objects.list("Pod"),
      (pod) => pod.key.namespace,
      (pod) => pod.labels,
    );
    const byPod = new Map<ObjectOf<"Pod">, Sidecar[]>();
    const withoutSelector: Sidecar[] = [];
    for (const sidecar of context.objects.list("Sidecar")) {
      const selector = labelsOf(sidecar.spec.workloadSelector?.labels);
      if (Object.keys(selector).length === 0) {
        withoutSelector.push(sidecar);
        continue;
      }
      const pods = index.select(sidecar.key.namespace, selector);
      if (pods.length === 0) {
        const where = { field: selectorField(selector, "spec.workloadSelector.labels") };
        context.report(sidecar, MESSAGES.ReferencedResourceNotFound, ["selector", selectorText(selector)], where);
      }
      for (const pod of pods) byPod.set(pod, [...(byPod.get(pod) ?? []), sidecar]);
    }
    const ineffective = new Set<Sidecar>();
    checkPods(context, byPod, ineffective);
    checkNamespaces(context, withoutSelector, ineffective);
  },
};

function checkPods({ report }: AnalysisContext, byPod: ReadonlyMap<ObjectOf<"Pod">, readonly Sidecar[]>, ineffective: Set<Sidecar>): void {
  for (const [pod, sidecars] of byPod) {
    if (isPodAmbient(pod)) {
      for (const sidecar of sidecars) {
        if (ineffective.has(sidecar)) continue;
        ineffective.add(sidecar);
        report(sidecar, MESSAGES.IneffectivePolicy, ["the selected workload is in ambient mode"]);
      }
    } else if (sidecars.length > 1) {
      const names = namesOf(sidecars);
      for (const sidecar of sidecars) {
        report(sidecar, MESSAGES.ConflictingSidecarWorkloadSelectors, [names, pod.key.namespace, pod.key.name]);
      }
    }
  }
}

function checkNamespaces({ objects, report }: AnalysisContext, sidecars: readonly Sidecar[], ineffective: ReadonlySet<Sidecar>): void {
  for (const [namespace, own] of Map.groupBy(sidecars, ({ key }) => key.namespace)) {
    if (isNamespaceAmbient(objects.find("Namespace", "", namespace))) {
      for (const sidecar of own) {
        if (!ineffective.has(sidecar)) report(sidecar, MESSAGES.IneffectivePolicy, ["its namespace is in ambient mode"]);
      }
    } else if (own.length > 1) {
      const names = namesOf(own);
      for (const sidecar of own) report(sidecar, MESSAGES.MultipleSidecarsWithoutWorkloadSelectors, [names, namespace]);
    }
  }
}

function namesOf(sidecars: readonly Sidecar[]): readonly string[] {
  return sidecars.map(({ key }) => key.name).toSorted();
}
