// The pods that a Gateway's selector finds, and what is said when there are none.
import type { AnalysisContext } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorField, selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects } from "#control-plane/registry/labels";

export function gatewayPods({ objects }: AnalysisContext, gateway: ObjectOf<"Gateway">): readonly ObjectOf<"Pod">[] {
  const selector = labelsOf(gateway.spec.selector);
  return objects.list("Pod").filter((pod) => selects(selector, pod.labels));
}

export function reportNoPods({ objects, report }: AnalysisContext, gateway: ObjectOf<"Gateway">): void {
  const selector = labelsOf(gateway.spec.selector);
  const running = [
    ...new Set(
      objects
        .list("Pod")
        .filter((pod) => pod.labels["istio"] !== undefined)
        .map((pod) => `istio=${pod.labels["istio"] ?? ""}`),
    ),
  ];
  const hint = running.length === 0 ? "no gateway runs" : `the gateway that runs bears ${running.join(" or ")}`;
  const field = selectorField(selector, "spec.selector");
  report(gateway, MESSAGES.ReferencedResourceNotFound, ["selector", selectorText(selector)], { field, hint });
}
