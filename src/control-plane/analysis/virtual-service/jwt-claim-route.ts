// Routes by a token's claim work at gateways whose pods have a RequestAuthentication.
import { isClaim } from "#api/virtual-service/validate-match";
import { type AnalysisContext, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelsOf } from "#control-plane/analysis/specs";
import { fullGateway, MESH_GATEWAY } from "#control-plane/mesh/resolve-virtual-service";
import { selects, type Labels } from "#control-plane/registry/labels";

/** Where policies count for the whole mesh. */
const ROOT_NAMESPACE = "istio-system";

export const jwtClaimRouteAnalyzer: Analyzer = {
  name: "virtualservice.JWTClaimRouteAnalyzer",
  description: "VirtualServices that route by a token's claim have a RequestAuthentication at their gateways",
  inputs: ["VirtualService", "RequestAuthentication", "Gateway", "Pod"],
  needs: ["Pod"],
  analyze: (context) => {
    const selectors = new Map<string, Labels[]>();
    for (const { spec, key } of context.objects.list("RequestAuthentication")) {
      const list = selectors.get(key.namespace) ?? [];
      list.push(labelsOf(spec.selector?.matchLabels));
      selectors.set(key.namespace, list);
    }
    for (const virtualService of context.objects.list("VirtualService")) {
      const claim = claimOf(virtualService);
      if (claim !== undefined) checkGateways(context, virtualService, claim, selectors);
    }
  },
};

function checkGateways(
  { objects, report }: AnalysisContext,
  virtualService: ObjectOf<"VirtualService">,
  claim: string,
  selectors: ReadonlyMap<string, readonly Labels[]>,
): void {
  for (const written of virtualService.spec.gateways ?? []) {
    if (written === undefined || written === MESH_GATEWAY) continue;
    const name = fullGateway(written, virtualService.key.namespace);
    const gateway = objects.find("Gateway", ...(name.split("/") as [string, string]));
    if (gateway === undefined) continue;
    for (const pod of objects.list("Pod")) {
      if (!selects(labelsOf(gateway.spec.selector), pod.labels)) continue;
      const applicable = [...(selectors.get(ROOT_NAMESPACE) ?? []), ...(selectors.get(pod.key.namespace) ?? [])];
      if (applicable.some((selector) => selects(selector, pod.labels))) continue;
      report(virtualService, MESSAGES.JwtClaimBasedRoutingWithoutRequestAuthN, [claim, name, pod.key.name], {
        hint: "add a RequestAuthentication that selects the gateway's pods",
      });
    }
  }
}

function claimOf({ spec }: ObjectOf<"VirtualService">): string | undefined {
  for (const rule of spec.http ?? []) {
    for (const match of rule?.match ?? []) {
      const names = [...Object.keys(match?.headers ?? {}), ...Object.keys(match?.withoutHeaders ?? {})];
      const claim = names.find(isClaim);
      if (claim !== undefined) return claim;
    }
  }
  return undefined;
}
