// Gateways of the same proxies must not serve the same hosts at the same port and address.
import { fullName, type AnalysisContext, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects, type Labels } from "#control-plane/registry/labels";
import { reportNoPods } from "./gateway-pods.ts";

export const conflictingGatewayAnalyzer: Analyzer = {
  name: "gateway.ConflictingGatewayAnalyzer",
  description: "No two Gateways of the same proxies serve the same hosts at one port",
  inputs: ["Gateway", "Pod"],
  needs: ["Pod"],
  analyze: (context) => {
    const groups = new Map<string, SelectorGroup>();
    for (const gateway of context.objects.list("Gateway")) {
      const selector = labelsOf(gateway.spec.selector);
      const text = selectorText(selector);
      let group = groups.get(text);
      if (group === undefined) groups.set(text, (group = { text, selector, servers: new Map() }));
      addServers(group, gateway);
    }
    const related = relatedGroups([...groups.values()], context);
    for (const gateway of context.objects.list("Gateway")) {
      checkGateway(context, gateway, related.get(selectorText(labelsOf(gateway.spec.selector))) ?? []);
    }
  },
};

/** All Gateways of one selector: who serves `port|bind|host`. */
interface SelectorGroup {
  readonly text: string;
  readonly selector: Labels;
  readonly servers: Map<string, Set<string>>;
}

function addServers(group: SelectorGroup, gateway: ObjectOf<"Gateway">): void {
  for (const server of gateway.spec.servers ?? []) {
    for (const host of server?.hosts ?? []) {
      const at = serverKey(server?.port?.number, server?.bind, host);
      const names = group.servers.get(at) ?? new Set();
      group.servers.set(at, names.add(fullName(gateway)));
    }
  }
}

function serverKey(port: number | undefined, bind: string | undefined, host: string | undefined): string {
  return `${port ?? 0}|${bind ?? ""}|${host ?? ""}`;
}

/** By selector: the groups whose proxies are the same, or some of which are. Istio compares the texts first, and so do we. */
function relatedGroups(groups: readonly SelectorGroup[], { objects }: AnalysisContext): ReadonlyMap<string, readonly SelectorGroup[]> {
  const overlap = (a: SelectorGroup, b: SelectorGroup): boolean => {
    if (a === b) return true;
    if (!a.text.includes(b.text) && !b.text.includes(a.text)) return false;
    return objects.list("Pod").some((pod) => selects(a.selector, pod.labels) && selects(b.selector, pod.labels));
  };
  return new Map(groups.map((group) => [group.text, groups.filter((other) => overlap(group, other))]));
}

function checkGateway(context: AnalysisContext, gateway: ObjectOf<"Gateway">, related: readonly SelectorGroup[]): void {
  const selector = labelsOf(gateway.spec.selector);
  const text = selectorText(selector);
  if (text !== "" && related.every((group) => group.servers.size === 0)) {
    reportNoPods(context, gateway);
    return;
  }
  for (const [index, server] of (gateway.spec.servers ?? []).entries()) {
    const others = new Set<string>();
    for (const host of server?.hosts ?? []) {
      for (const group of related) {
        for (const name of group.servers.get(serverKey(server?.port?.number, server?.bind, host)) ?? []) others.add(name);
      }
    }
    others.delete(fullName(gateway));
    if (others.size === 0) continue;
    const port = String(server?.port?.number ?? 0);
    const values = [[...others].toSorted().join(", "), text, port, (server?.hosts ?? []).join(", ")] as const;
    context.report(gateway, MESSAGES.ConflictingGateways, [...values], {
      near: `spec.servers[${index}]`,
      hint: "give the hosts to one of them",
    });
  }
}
