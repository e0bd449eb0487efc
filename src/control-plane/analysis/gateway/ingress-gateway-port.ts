// Ports of a Gateway must be reachable: some Service of its pods must lead to them.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorField, selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects } from "#control-plane/registry/labels";
import { gatewayPods, reportNoPods } from "./gateway-pods.ts";

export const ingressGatewayPortAnalyzer: Analyzer = {
  name: "gateway.IngressGatewayPortAnalyzer",
  description: "A Service of a Gateway's pods leads to each of its ports",
  inputs: ["Gateway", "Pod", "Service"],
  needs: ["Pod", "Service"],
  analyze: (context) => {
    for (const gateway of context.objects.list("Gateway")) checkGateway(context, gateway);
  },
};

function checkGateway(context: AnalysisContext, gateway: ObjectOf<"Gateway">): void {
  const pods = gatewayPods(context, gateway);
  if (pods.length === 0) {
    reportNoPods(context, gateway);
    return;
  }
  const reachable = reachablePorts(context, pods);
  const selector = labelsOf(gateway.spec.selector);
  for (const [index, server] of (gateway.spec.servers ?? []).entries()) {
    const port = server?.port?.number;
    if (server?.port === undefined || reachable.has(port ?? 0)) continue;
    const where = {
      near: `spec.servers[${index}].port.number`,
      hint: `the pods' Services lead to ${[...reachable].join(", ") || "no port"}`,
    };
    context.report(gateway, MESSAGES.GatewayPortNotDefinedOnService, [port ?? 0, selectorText(selector)], {
      ...where,
      near: server.port.number === undefined ? selectorField(selector, "spec.selector") : where.near,
    });
  }
}

/** Target ports, and the Service's own ports, which a Gateway may name as well. */
function reachablePorts({ objects }: AnalysisContext, pods: readonly ObjectOf<"Pod">[]): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const service of objects.list("Service")) {
    const selector = labelsOf(service.spec.selector);
    if (!pods.some((pod) => pod.key.namespace === service.key.namespace && selects(selector, pod.labels))) continue;
    for (const port of service.spec.ports ?? []) {
      if (port?.port === undefined || (port.protocol ?? "TCP") !== "TCP") continue;
      ports.add(port.port);
      const target = Number(port.targetPort ?? 0);
      if (Number.isInteger(target) && target !== 0) ports.add(target);
    }
  }
  return ports;
}
