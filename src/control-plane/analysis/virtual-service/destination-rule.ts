// Subsets that VirtualServices route to must be defined by a DestinationRule of the host.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";
import { hostIn } from "#control-plane/analysis/service-hosts";
import { destinationsOf } from "./destinations.ts";

export const destinationRuleAnalyzer: Analyzer = {
  name: "virtualservice.DestinationRuleAnalyzer",
  description: "Subsets that VirtualServices route to are defined by a DestinationRule",
  inputs: ["VirtualService", "DestinationRule"],
  analyze: ({ objects, report }) => {
    const subsets = new Map<string, Set<string>>();
    for (const { spec, key } of objects.list("DestinationRule")) {
      const host = hostIn(spec.host ?? "", key.namespace);
      let names = subsets.get(host);
      if (names === undefined) subsets.set(host, (names = new Set()));
      for (const subset of spec.subsets ?? []) if (subset?.name !== undefined) names.add(subset.name);
    }
    for (const virtualService of objects.list("VirtualService")) {
      for (const { destination, field, isMirror } of destinationsOf(virtualService.spec)) {
        const { host = "", subset = "" } = destination;
        if (subset === "") continue;
        const names = subsets.get(hostIn(host, virtualService.key.namespace));
        if (names?.has(subset) === true) continue;
        const what = `${isMirror ? "mirror" : "host"}+subset in destinationrule`;
        const hint =
          names === undefined || names.size === 0
            ? "add a DestinationRule for the host that defines the subset"
            : `the host's DestinationRule defines ${[...names].join(", ")}`;
        const where = field.includes(".mirrors[") ? { near: `${field}.subset`, hint } : { field: `${field}.subset`, hint };
        report(virtualService, MESSAGES.ReferencedResourceNotFound, [what, `${host}+${subset}`], where);
      }
    }
  },
};
