// AuthorizationPolicies must apply to some workload of the mesh, and name namespaces that exist.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { isPodAmbient, isPodInMesh } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { LabelIndex, selects } from "#control-plane/registry/labels";

export const authorizationPoliciesAnalyzer: Analyzer = {
  name: "auth.AuthorizationPoliciesAnalyzer",
  description: "AuthorizationPolicies apply to workloads and name namespaces that exist",
  inputs: ["MeshConfig", "AuthorizationPolicy", "Namespace", "Pod"],
  needs: ["Pod"],
  analyze: (context) => {
    const pods = context.objects.list("Pod").filter((pod) => isPodInMesh(pod, context.objects) || isPodAmbient(pod));
    const index = new LabelIndex(
      pods,
      (pod) => pod.key.namespace,
      (pod) => pod.labels,
    );
    for (const policy of context.objects.list("AuthorizationPolicy")) {
      checkWorkloads(context, policy, pods, index);
      // Files of one application seldom hold the namespaces of others.
      if (context.objects.has("Namespace")) checkNamespaces(context, policy);
    }
  },
};

function checkWorkloads(
  { meshConfig, report }: AnalysisContext,
  policy: ObjectOf<"AuthorizationPolicy">,
  pods: readonly ObjectOf<"Pod">[],
  index: LabelIndex<ObjectOf<"Pod">>,
): void {
  const { selector: written } = policy.spec;
  const { namespace } = policy.key;
  const meshWide = namespace === (meshConfig.rootNamespace ?? "istio-system");
  if (meshWide && written === undefined) return;
  const selector = labelsOf(written?.matchLabels);
  const found = meshWide ? pods.some((pod) => selects(selector, pod.labels)) : index.select(namespace, selector).length > 0;
  if (!found) report(policy, MESSAGES.NoMatchingWorkloadsFound, [selectorText(selector)], { near: "spec.selector" });
}

function checkNamespaces({ objects, report }: AnalysisContext, policy: ObjectOf<"AuthorizationPolicy">): void {
  const names = objects.list("Namespace").map((namespace) => namespace.key.name);
  for (const [index, rule] of (policy.spec.rules ?? []).entries()) {
    for (const [number, from] of (rule?.from ?? []).entries()) {
      const at = `spec.rules[${index}].from[${number}].source`;
      for (const [place, pattern] of (from?.source?.namespaces ?? []).entries()) {
        if (pattern === undefined || names.some((name) => matchesName(name, pattern))) continue;
        report(policy, MESSAGES.ReferencedResourceNotFound, ["namespace", pattern], { field: `${at}.namespaces[${place}]` });
      }
      for (const [place, pattern] of (from?.source?.notNamespaces ?? []).entries()) {
        if (pattern === undefined || names.some((name) => matchesName(name, pattern))) continue;
        report(policy, MESSAGES.ReferencedResourceNotFound, ["namespace", pattern], { near: `${at}.notNamespaces[${place}]` });
      }
    }
  }
}

function matchesName(name: string, pattern: string): boolean {
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return name.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return name.startsWith(pattern.slice(0, -1));
  return name.toLowerCase() === pattern.toLowerCase();
}
