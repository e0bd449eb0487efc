// Weights and priorities of localities, from where the caller is. Priorities count from 0 without a gap.
import type { LocalityLoadBalancerSetting } from "#api/destination-rule";
import type { ServiceEndpoint } from "#control-plane/registry/service";
import { distance, isWithin, localityOf, type Locality } from "./locality.ts";
import type { LocalityPreference } from "./locality-setting.ts";
import { topologyLabel, type Topology } from "./topology.ts";

/** Endpoints of one locality, or of one priority within it. */
export interface LocalityGroup {
  readonly locality: Locality;
  readonly endpoints: readonly ServiceEndpoint[];
  readonly weight: number;
  readonly priority: number;
}

/** `byLabels` false: labels are not looked at, as istiod does for endpoints that stand within a cluster (DNS). */
export function preferNear(
  groups: readonly LocalityGroup[],
  { setting, failover }: LocalityPreference,
  caller: Topology,
  byLabels: boolean,
): readonly LocalityGroup[] {
  const { distribute = [], failoverPriority = [], failover: regions = [] } = setting;
  if (distribute.length > 0) return distributed(groups, distribute, localityOf(caller.locality));
  if (!failover) return groups;
  if (failoverPriority.length === 0) return withFailover(groups, regions, localityOf(caller.locality));
  const prioritized = byLabels ? compact(groups.flatMap((group) => splitByLabels(group, failoverPriority, caller))) : groups;
  return regions.length === 0 ? prioritized : withFailover(prioritized, regions, localityOf(caller.locality));
}

/** The first rule for the caller's locality says how requests are shared; localities that it does not name get none. */
function distributed(
  groups: readonly LocalityGroup[],
  rules: NonNullable<LocalityLoadBalancerSetting["distribute"]>,
  caller: Locality,
): readonly LocalityGroup[] {
  const rule = rules.find(({ from = "" }) => isWithin(caller, from));
  if (rule === undefined) return groups;
  const weights = new Map<LocalityGroup, number>();
  // istiod takes the entries in the order of its map, which has none; the more specific ones first is what users mean.
  for (const [to, percent] of Object.entries(rule.to ?? {}).sort(bySpecificity)) {
    const matched = groups.filter((group) => !weights.has(group) && isWithin(group.locality, to));
    const total = matched.reduce((sum, { weight }) => sum + weight, 0);
    for (const group of matched) weights.set(group, Math.ceil((group.weight * percent) / total));
  }
  return groups.map((group) => {
    const weight = weights.get(group);
    if (weight === undefined) return { ...group, endpoints: [] };
    return weight > 0 ? { ...group, weight } : group;
  });
}

function bySpecificity([a]: readonly [string, number], [b]: readonly [string, number]): number {
  const wildcards = (rule: string): number => {
    const { region, zone, subZone } = localityOf(rule);
    return [region, zone, subZone].filter((part) => part === "" || part === "*").length;
  };
  return wildcards(a) - wildcards(b) || (a < b ? -1 : 1);
}

/** Nearer localities first; in other regions the one that is named for the caller's before all others. */
function withFailover(
  groups: readonly LocalityGroup[],
  rules: NonNullable<LocalityLoadBalancerSetting["failover"]>,
  caller: Locality,
): readonly LocalityGroup[] {
  const rule = rules.find(({ from = "" }) => from === caller.region);
  return compact(
    groups.map((group) => {
      const away = distance(caller, group.locality);
      const unnamed = away === 3 && rule !== undefined && group.locality.region !== (rule.to ?? "");
      // Five steps of distance within each priority that labels gave.
      return { ...group, priority: group.priority * 5 + (unnamed ? 4 : away) };
    }),
  );
}

/** Endpoints whose labels are the caller's come first; the earlier a label differs, the later an endpoint. */
function splitByLabels(group: LocalityGroup, names: readonly string[], caller: Topology): readonly LocalityGroup[] {
  const wanted = names.map((entry): readonly [string, string] => {
    const [name = "", value, ...rest] = entry.split("=");
    return [name, value === undefined || rest.length > 0 ? topologyLabel(caller, name) : value];
  });
  const byPriority = new Map<number, ServiceEndpoint[]>();
  for (const endpoint of group.endpoints) {
    const differs = wanted.findIndex(([name, value]) => topologyLabel(endpoint, name) !== value);
    const priority = differs < 0 ? 0 : names.length - differs;
    const same = byPriority.get(priority);
    if (same === undefined) byPriority.set(priority, [endpoint]);
    else same.push(endpoint);
  }
  return [...byPriority]
    .sort(([a], [b]) => a - b)
    .map(([priority, endpoints]) => ({ ...group, endpoints, priority, weight: sumOfWeights(endpoints) }));
}

function compact(groups: readonly LocalityGroup[]): readonly LocalityGroup[] {
  const order = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups.map((group) => ({ ...group, priority: order.indexOf(group.priority) }));
}

export function weightOf(endpoint: ServiceEndpoint): number {
  return Math.max(1, endpoint.weight);
}

export function sumOfWeights(endpoints: readonly ServiceEndpoint[]): number {
  return Math.min(
    0xffff_ffff,
    endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0),
  );
}
