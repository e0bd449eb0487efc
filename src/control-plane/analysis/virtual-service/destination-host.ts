// Destinations must name a host that somebody defines, and one of its ports. Subsets that a rule of one VirtualService chooses do not
// count where another VirtualService with a gateway routes to the same host without a subset.
import { fullName, type AnalysisContext, type Analyzer, type Where } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { ServiceHosts } from "#control-plane/analysis/service-hosts";
import { destinationsOf } from "./destinations.ts";

export const destinationHostAnalyzer: Analyzer = {
  name: "virtualservice.DestinationHostAnalyzer",
  description: "Destinations of VirtualServices name hosts and ports that exist",
  inputs: ["ServiceEntry", "VirtualService", "Service"],
  needs: ["Service"],
  analyze: (context) => {
    const hosts = new ServiceHosts(context.objects);
    const virtualServices = context.objects.list("VirtualService");
    const subsetUsers = subsetUsersByHost(virtualServices);
    for (const virtualService of virtualServices) {
      checkDestinations(context, virtualService, hosts);
      checkRoutesWithoutSubset(context, virtualService, subsetUsers);
    }
  },
};

function checkDestinations(context: AnalysisContext, virtualService: ObjectOf<"VirtualService">, hosts: ServiceHosts): void {
  const { spec, key } = virtualService;
  for (const { destination, field, isMirror } of destinationsOf(spec)) {
    const { host = "", port } = destination;
    // Istio knows the line of every host but those of mirrors.
    const at = (part: string, hint: string): Where =>
      field.includes(".mirrors[") ? { near: `${field}.${part}`, hint } : { field: `${field}.${part}`, hint };
    const known = hosts.find(host, key.namespace, spec.exportTo ?? []);
    if (known === undefined) {
      const where = at("host", hosts.hint(host, key.namespace));
      context.report(virtualService, MESSAGES.ReferencedResourceNotFound, [isMirror ? "mirror host" : "host", host], where);
    } else if (port === undefined) {
      if (known.ports.length <= 1) continue;
      const where = at("host", "add port: {number: ...}");
      context.report(virtualService, MESSAGES.VirtualServiceDestinationPortSelectorRequired, [host, known.ports], where);
    } else if (!known.ports.includes(port.number ?? 0)) {
      const where = at("port.number", `the service has port ${known.ports.join(", ")}`);
      context.report(virtualService, MESSAGES.ReferencedResourceNotFound, ["host:port", `${host}:${port.number ?? 0}`], where);
    }
  }
}

type SubsetUsers = ReadonlyMap<string, readonly ObjectOf<"VirtualService">[]>;

/** By host as it is written: VirtualServices for that host that route to one of its subsets. */
function subsetUsersByHost(virtualServices: readonly ObjectOf<"VirtualService">[]): SubsetUsers {
  const users = new Map<string, ObjectOf<"VirtualService">[]>();
  for (const virtualService of virtualServices) {
    const { spec } = virtualService;
    const chosen = new Set(
      (spec.http ?? []).flatMap((rule) =>
        (rule?.route ?? []).flatMap((route) => ((route?.destination?.subset ?? "") === "" ? [] : (route?.destination?.host ?? ""))),
      ),
    );
    for (const host of new Set(spec.hosts ?? [])) {
      if (host === undefined || !chosen.has(host)) continue;
      const list = users.get(host);
      if (list === undefined) users.set(host, [virtualService]);
      else list.push(virtualService);
    }
  }
  return users;
}

function checkRoutesWithoutSubset(context: AnalysisContext, virtualService: ObjectOf<"VirtualService">, users: SubsetUsers): void {
  const { spec } = virtualService;
  if ((spec.gateways ?? []).length === 0) return;
  for (const [index, rule] of (spec.http ?? []).entries()) {
    for (const [number, route] of (rule?.route ?? []).entries()) {
      if ((route?.destination?.subset ?? "") !== "") continue;
      for (const user of users.get(route?.destination?.host ?? "") ?? []) {
        context.report(virtualService, MESSAGES.IngressRouteRulesNotAffected, [fullName(user), fullName(virtualService)], {
          near: `spec.http[${index}].route[${number}].destination.host`,
          hint: `name the subset here, too, or add the gateway to ${fullName(user)}`,
        });
      }
    }
  }
}
