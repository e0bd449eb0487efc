// Policies reach gateways of the Gateway API by targetRef, not by the labels of their pods.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelsOf } from "#control-plane/analysis/specs";
import { LabelIndex } from "#control-plane/registry/labels";

const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";
const POLICIES = ["AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin"] as const;

export const kubernetesGatewaySelectorAnalyzer: Analyzer = {
  name: "k8sgateway.SelectorAnalyzer",
  description: "Policies for Kubernetes gateways use targetRef, not selectors, which have no effect on them",
  inputs: [...POLICIES, "Pod"],
  analyze: ({ objects, report }) => {
    const pods = new LabelIndex(
      objects.list("Pod").filter((pod) => pod.labels[GATEWAY_NAME_LABEL] !== undefined),
      (pod) => pod.key.namespace,
      (pod) => pod.labels,
    );
    for (const kind of POLICIES) {
      for (const policy of objects.list(kind)) {
        const { selector, targetRef } = policy.spec;
        if (targetRef !== undefined || selector === undefined) continue;
        for (const pod of pods.select(policy.key.namespace, labelsOf(selector.matchLabels))) {
          const gateway = pod.labels[GATEWAY_NAME_LABEL] ?? "";
          report(policy, MESSAGES.IneffectiveSelector, [gateway], { near: "spec.selector", hint: "use targetRef" });
        }
      }
    }
  },
};
