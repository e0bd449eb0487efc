// Which DestinationRule counts for a host and a caller: the caller's namespace is asked first, then the service's, then the root
// namespace; the first that has a rule for the host answers, with its most specific one. Rules of one host in one namespace are
// merged when they are for the same callers.
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { ApiObject } from "#api/object";
import { selects, type Labels } from "#control-plane/registry/labels";
import { fullHost, HostTable } from "./host.ts";
import type { ResolvedDestinationRule } from "./mesh.ts";
import { isVisible, visibilityOf, type Visibility } from "./visibility.ts";

interface MergedRule {
  rule: ResolvedDestinationRule;
  readonly selector: Labels | undefined;
  readonly visibility: Visibility;
  /** Equal for rules that may be merged: same selector, same visibility. */
  readonly audience: string;
}

type Table = HostTable<MergedRule[]>;

export interface DestinationRuleQuery {
  readonly hostname: string;
  readonly serviceNamespace: string | undefined;
  readonly namespace: string;
  readonly labels: Labels;
}

export class DestinationRuleIndex {
  /** What a caller of the same namespace sees there. */
  #local = new Map<string, Table>();
  /** What others see of a namespace. */
  #exported = new Map<string, Table>();
  /** Rules of the root namespace that are for itself only. */
  #rootLocal: Table = new HostTable();
  #rootNamespace: string;

  /** `objects` stand oldest first. */
  constructor(
    objects: readonly ApiObject<DestinationRuleSpec>[],
    options: { readonly domain: string; readonly rootNamespace: string; readonly defaultExportTo: readonly string[] | undefined },
  ) {
    this.#rootNamespace = options.rootNamespace;
    for (const object of objects) {
      const { namespace } = object.metadata;
      const selector = object.spec.workloadSelector?.matchLabels;
      // A rule for chosen callers is for callers of its own namespace only.
      const visibility = visibilityOf(selector === undefined ? object.spec.exportTo : ["."], namespace, options.defaultExportTo);
      if (visibility.kind === "none") continue;
      const host = fullHost(object.spec.host, namespace, options.domain);
      const merged = (): MergedRule => ({
        rule: { objects: [object], host, spec: { ...object.spec, host } },
        selector,
        visibility,
        audience: JSON.stringify([
          selector === undefined
            ? null
            : Object.keys(selector)
                .sort()
                .map((key) => [key, selector[key]]),
          visibility.kind === "public" ? "*" : [...visibility.namespaces].sort(),
        ]),
      });
      if (isVisible(visibility, namespace)) mergeInto(tableOf(this.#local, namespace), host, merged());
      const forItself = visibility.kind === "namespaces" && visibility.namespaces.size === 1 && visibility.namespaces.has(namespace);
      if (!forItself) mergeInto(tableOf(this.#exported, namespace), host, merged());
      else if (namespace === options.rootNamespace) mergeInto(this.#rootLocal, host, merged());
    }
  }

  find(query: DestinationRuleQuery): ResolvedDestinationRule | undefined {
    const { hostname, namespace, serviceNamespace } = query;
    // Callers of the root namespace (gateways, often) must not prefer its mesh-wide rules over those of the service.
    const own = namespace === this.#rootNamespace ? this.#rootLocal : this.#local.get(namespace);
    const local = own?.find(hostname);
    if (local !== undefined) return choose(local, query.labels);
    for (const owner of new Set([serviceNamespace, this.#rootNamespace])) {
      if (owner === undefined) continue;
      const exported = this.#exported
        .get(owner)
        ?.find(hostname)
        ?.filter((entry) => isVisible(entry.visibility, namespace));
      if (exported !== undefined && exported.length > 0) return choose(exported, query.labels);
    }
    return undefined;
  }
}

/** A rule for callers with these labels before one for all. */
function choose(candidates: readonly MergedRule[], labels: Labels): ResolvedDestinationRule | undefined {
  const forThese = candidates.find(({ selector }) => selector !== undefined && selects(selector, labels));
  return (forThese ?? candidates.find(({ selector }) => selector === undefined))?.rule;
}

function tableOf(tables: Map<string, Table>, namespace: string): Table {
  let table = tables.get(namespace);
  if (table === undefined) tables.set(namespace, (table = new HostTable()));
  return table;
}

function mergeInto(table: Table, host: string, next: MergedRule): void {
  const list = table.get(host);
  if (list === undefined) {
    table.set(host, [next]);
    return;
  }
  let merged = false;
  for (const entry of list) {
    if (entry.audience === next.audience) merged = true;
    else if (!isForMore(next, entry)) continue;
    entry.rule = mergeRules(entry.rule, next.rule);
  }
  if (!merged) list.push(next);
}

/** A rule that names all namespaces of an older one and more adds to what those see, and stands for itself in the others. */
function isForMore(next: MergedRule, older: MergedRule): boolean {
  if (next.selector !== undefined || older.selector !== undefined) return false;
  const [wider, narrower] = [next.visibility, older.visibility];
  if (wider.kind !== "namespaces" || narrower.kind !== "namespaces") return false;
  return [...narrower.namespaces].every((namespace) => wider.namespaces.has(namespace));
}

/** The older one's subsets and policy stay; the younger adds subsets of other names, and a policy where there was none. */
function mergeRules(older: ResolvedDestinationRule, younger: ResolvedDestinationRule): ResolvedDestinationRule {
  const names = new Set(older.spec.subsets?.map((subset) => subset.name));
  const added = (younger.spec.subsets ?? []).filter((subset) => !names.has(subset.name));
  return {
    objects: [...older.objects, ...younger.objects],
    host: older.host,
    spec: {
      ...older.spec,
      trafficPolicy: older.spec.trafficPolicy ?? younger.spec.trafficPolicy,
      subsets: [...(older.spec.subsets ?? []), ...added],
    },
  };
}
