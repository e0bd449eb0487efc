// `image: auto` is a place that injection fills: what it does not select keeps a container that cannot start.
import type { PodSpec } from "#api/kubernetes/pod";
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { PROXY_CONTAINER } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelSelectorMatches } from "#control-plane/registry/labels";
import { labelsOf, type Written } from "#control-plane/analysis/specs";

export const imageAutoAnalyzer: Analyzer = {
  name: "injection.ImageAutoAnalyzer",
  description: "Pods and Deployments with image auto are selected by injection",
  inputs: ["Namespace", "Pod", "Deployment", "MutatingWebhookConfiguration"],
  analyze: ({ objects, report }) => {
    const webhooks = objects
      .list("MutatingWebhookConfiguration")
      .flatMap(({ spec }) => (spec.webhooks ?? []).filter((webhook) => (webhook?.name ?? "").endsWith("istio.io")));
    for (const pod of objects.list("Pod")) {
      const near = autoField(pod.spec, "spec");
      if (near !== undefined) report(pod, MESSAGES.ImageAutoWithoutInjectionError, ["Pod", pod.key.name], { near });
    }
    for (const deployment of objects.list("Deployment")) {
      const { spec, key } = deployment;
      const near = autoField(spec.template?.spec ?? {}, "spec.template.spec");
      if (near === undefined) continue;
      const namespace = objects.find("Namespace", "", key.namespace === "" ? "default" : key.namespace);
      const labels = labelsOf(spec.template?.metadata?.labels);
      const selected = webhooks.some(
        (webhook) =>
          labelSelectorMatches(webhook?.namespaceSelector, namespace?.labels ?? {}) &&
          labelSelectorMatches(webhook?.objectSelector, labels),
      );
      if (!selected) report(deployment, MESSAGES.ImageAutoWithoutInjectionWarning, ["Deployment", key.name], { near });
    }
  },
};

function autoField(spec: Written<PodSpec>, field: string): string | undefined {
  const index = (spec.containers ?? []).findIndex((container) => container?.name === PROXY_CONTAINER && container.image === "auto");
  return index === -1 ? undefined : `${field}.containers[${index}].image`;
}
