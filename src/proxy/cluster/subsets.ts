// The subsets of a cluster's hosts by their metadata (`envoy.lb`), and which of them a request goes to (Envoy's subset load balancer). Built
// anew whenever hosts change; the set of hosts of a subset is made when it is first asked for.
import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";
import type { Host } from "./cluster.ts";
import { HostSet } from "./host-set.ts";
import type { HostSetOptions, LocalityHosts } from "./host-set.ts";
import type { SubsetConfig, SubsetFallback, SubsetSelector } from "./subset-config.ts";

const NAMESPACE = "envoy.lb";
const FALLBACK_LIST = "fallback_list";

type Priorities = readonly (readonly LocalityHosts[])[];

export class SubsetStats {
  readonly active: Gauge;
  readonly created: Counter;
  readonly removed: Counter;
  readonly selected: Counter;
  readonly fallback: Counter;
  readonly fallbackPanic: Counter;
  /** Hosts that are in no subset because another one is the only one of it. */
  readonly duplicates: Gauge;

  constructor(scope: StatsScope) {
    this.active = scope.gauge("lb_subsets_active");
    this.created = scope.counter("lb_subsets_created");
    this.removed = scope.counter("lb_subsets_removed");
    this.selected = scope.counter("lb_subsets_selected");
    this.fallback = scope.counter("lb_subsets_fallback");
    this.duplicates = scope.gauge("lb_subsets_single_host_per_subset_duplicate");
    this.fallbackPanic = scope.counter("lb_subsets_fallback_panic");
  }
}

export class Subsets {
  readonly #config: SubsetConfig;
  readonly #priorities: Priorities;
  readonly #options: HostSetOptions;
  readonly #all: HostSet;
  readonly #stats: SubsetStats;
  /** Hosts by what they say of a selector's keys. */
  readonly #hosts = new Map<string, Set<Host>>();
  readonly #sets = new Map<string, HostSet | undefined>();

  constructor(
    config: SubsetConfig,
    priorities: Priorities,
    options: HostSetOptions,
    all: HostSet,
    before: Subsets | undefined,
    stats: SubsetStats,
  ) {
    this.#config = config;
    this.#priorities = priorities;
    this.#options = options;
    this.#all = all;
    this.#stats = stats;
    let duplicates = 0;
    for (const { keys, singleHost } of config.selectors) {
      for (const host of priorities.flat().flatMap(({ hosts }) => hosts)) {
        for (const key of keysOf(host, keys, config.listAsAny)) {
          const known = this.#hosts.get(key);
          if (known === undefined) this.#hosts.set(key, new Set([host]));
          // Of several the first is it.
          else if (singleHost) duplicates++;
          else known.add(host);
        }
      }
    }
    const names = new Set(before === undefined ? [] : before.#hosts.keys());
    for (const key of this.#hosts.keys()) if (!names.delete(key)) stats.created.inc();
    stats.removed.add(names.size);
    stats.duplicates.set(duplicates);
    stats.active.set(this.#hosts.size);
  }

  /** undefined: there is no host for it. */
  setFor(wanted: JsonObject | undefined): HostSet | undefined {
    const lists = this.#config.fallbackList ? wanted?.[FALLBACK_LIST] : undefined;
    if (wanted === undefined || !Array.isArray(lists)) return this.#find(wanted) ?? this.#fallBack(wanted);
    const { [FALLBACK_LIST]: _, ...base } = wanted;
    for (const more of lists) {
      if (typeof more !== "object" || more === null || Array.isArray(more)) continue;
      const found = this.#find({ ...base, ...more });
      if (found !== undefined) return found;
    }
    return this.#fallBack(base);
  }

  #find(wanted: JsonObject | undefined): HostSet | undefined {
    const selector = this.#selectorFor(wanted);
    const found = selector === undefined ? undefined : this.#set(nameOf(selector.keys, wanted!));
    if (found !== undefined) this.#stats.selected.inc();
    return found;
  }

  #selectorFor(wanted: JsonObject | undefined): SubsetSelector | undefined {
    const keys = Object.keys(wanted ?? {}).sort();
    return this.#config.selectors.find((one) => isDeepStrictEqual(one.keys, keys));
  }

  #fallBack(wanted: JsonObject | undefined): HostSet | undefined {
    const own = this.#selectorFor(wanted)?.fallback;
    // With fewer keys it is another request, with a fallback of its own.
    if (typeof own === "object") return this.setFor(Object.fromEntries(own.keys.map((key) => [key, wanted![key]!])));
    const set = this.#fallbackSet(own ?? this.#config.fallback);
    if (set !== undefined) {
      this.#stats.fallback.inc();
      return set;
    }
    if (!this.#config.panicModeAny) return undefined;
    this.#stats.fallbackPanic.inc();
    return this.#all;
  }

  #fallbackSet(fallback: SubsetFallback): HostSet | undefined {
    if (fallback === "none") return undefined;
    if (fallback === "any-endpoint") return this.#all;
    const { defaultSubset, listAsAny } = this.#config;
    const wanted = Object.entries(defaultSubset);
    return this.#cached("default", (host) => wanted.every(([key, value]) => says(host, key, value, listAsAny)));
  }

  #set(name: string): HostSet | undefined {
    const hosts = this.#hosts.get(name);
    return hosts === undefined ? undefined : this.#cached(name, (host) => hosts.has(host));
  }

  #cached(name: string, keep: (host: Host) => boolean): HostSet | undefined {
    if (this.#sets.has(name)) return this.#sets.get(name);
    const { localityWeightAware, scaleLocalityWeight } = this.#config;
    let any = false;
    const priorities = this.#priorities.map((localities) =>
      localities.map(({ locality, weight, hosts }) => {
        const kept = hosts.filter((host) => keep(host));
        any ||= kept.length > 0;
        const scaled = scaleLocalityWeight && hosts.length > 0 ? (weight * kept.length) / hosts.length : weight;
        return { locality, weight: scaled, hosts: kept };
      }),
    );
    const options = { ...this.#options, localityWeighted: this.#options.localityWeighted && localityWeightAware };
    const set = any ? new HostSet(priorities, options) : undefined;
    this.#sets.set(name, set);
    return set;
  }
}

function says(host: Host, key: string, value: JsonValue, listAsAny: boolean): boolean {
  const own = host.metadata[NAMESPACE]?.[key];
  if (listAsAny && Array.isArray(own)) return own.some((one) => isDeepStrictEqual(one, value));
  return isDeepStrictEqual(own, value);
}

/** The names of the subsets that the host is in, for a selector of these keys. */
function keysOf(host: Host, keys: readonly string[], listAsAny: boolean): string[] {
  const metadata = host.metadata[NAMESPACE];
  if (metadata === undefined || keys.some((key) => metadata[key] === undefined)) return [];
  let all: JsonObject[] = [{}];
  for (const key of keys) {
    const own = metadata[key]!;
    const values = listAsAny && Array.isArray(own) ? own : [own];
    all = all.flatMap((one) => values.map((value) => ({ ...one, [key]: value })));
  }
  return all.map((values) => nameOf(keys, values));
}

function nameOf(keys: readonly string[], values: JsonObject): string {
  return JSON.stringify(keys.map((key) => [key, values[key]]));
}
