// A host of the mesh belongs to one VirtualService among those that a caller sees: sidecars do not merge them, gateways do.
import { fullName, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { hostIn } from "#control-plane/analysis/service-hosts";
import { hostsOverlap, isWildcard } from "#control-plane/mesh/host";
import { MESH_GATEWAY } from "#control-plane/mesh/resolve-virtual-service";

type Owners = Map<string, ObjectOf<"VirtualService">[]>;

const EVERYBODY = "*";

export const conflictingMeshGatewayHostsAnalyzer: Analyzer = {
  name: "virtualservice.ConflictingMeshGatewayHostsAnalyzer",
  description: "No two VirtualServices define the same host for the mesh",
  inputs: ["VirtualService"],
  analyze: ({ objects, report }) => {
    const byScope = ownersByScope(objects.list("VirtualService"));
    const forEverybody = byScope.get(EVERYBODY) ?? new Map();
    const wildcards = [...forEverybody.keys()].filter(isWildcard);
    const reported = new Set<ObjectOf<"VirtualService">>();
    for (const [scope, owners] of byScope) {
      for (const [host, own] of owners) {
        const all = scope === EVERYBODY ? own : [...own, ...overlapping(host, forEverybody, wildcards)];
        const distinct = [...new Set(all)];
        if (distinct.length < 2) continue;
        const names = distinct.map(fullName).toSorted().join(", ");
        for (const virtualService of distinct) {
          if (reported.has(virtualService)) continue;
          reported.add(virtualService);
          const hint = "merge them into one VirtualService; until then the oldest that a caller sees counts";
          report(virtualService, MESSAGES.ConflictingMeshGatewayVirtualServiceHosts, [names, host], { near: "spec.hosts", hint });
        }
      }
    }
  },
};

function overlapping(host: string, owners: Owners, wildcards: readonly string[]): readonly ObjectOf<"VirtualService">[] {
  const hosts = isWildcard(host)
    ? [...owners.keys()].filter((other) => hostsOverlap(host, other))
    : [host, ...wildcards.filter((other) => hostsOverlap(host, other))];
  return hosts.flatMap((other) => owners.get(other) ?? []);
}

function ownersByScope(virtualServices: readonly ObjectOf<"VirtualService">[]): ReadonlyMap<string, Owners> {
  const byScope = new Map<string, Owners>();
  for (const virtualService of virtualServices) {
    const { spec, key } = virtualService;
    if ((spec.gateways ?? []).length > 0 && spec.gateways?.includes(MESH_GATEWAY) !== true) continue;
    const exportTo = spec.exportTo ?? [];
    const scopes =
      exportTo.length === 0 || exportTo.includes(EVERYBODY)
        ? [EVERYBODY]
        : new Set(exportTo.map((entry) => (entry === "." ? key.namespace : (entry ?? ""))));
    for (const scope of scopes) {
      let owners = byScope.get(scope);
      if (owners === undefined) byScope.set(scope, (owners = new Map()));
      for (const written of spec.hosts ?? []) {
        const host = hostIn(written ?? "", key.namespace);
        const list = owners.get(host);
        if (list === undefined) owners.set(host, [virtualService]);
        else list.push(virtualService);
      }
    }
  }
  return byScope;
}
