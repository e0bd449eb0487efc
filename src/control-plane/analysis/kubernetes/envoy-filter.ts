// Patches that cannot work, or that depend on others being applied before them.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import type { EnvoyFilterSpec } from "#api/envoy-filter";
import type { Written } from "#control-plane/analysis/specs";

type Patch = NonNullable<NonNullable<Written<EnvoyFilterSpec>["configPatches"]>[number]>;

const NOT_ADDED = new Set<string>(["ROUTE_CONFIGURATION", "HTTP_ROUTE"]);
const REPLACEABLE = new Set<string>(["NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST"]);

export const envoyFilterAnalyzer: Analyzer = {
  name: "envoyfilter.EnvoyPatchAnalyzer",
  description: "Patches of EnvoyFilters have an effect, whatever the order in which they are applied",
  inputs: ["EnvoyFilter"],
  analyze: (context) => {
    /** What patches for one proxy version, so far, are about. */
    const versioned = new Set<string>();
    for (const filter of context.objects.list("EnvoyFilter")) checkFilter(context, filter, versioned);
  },
};

function checkFilter({ report }: AnalysisContext, filter: ObjectOf<"EnvoyFilter">, versioned: Set<string>): void {
  for (const [index, entry] of (filter.spec.configPatches ?? []).entries()) {
    if (entry?.patch === undefined) break;
    const subject = subjectOf(entry);
    const type = faultOf(entry, filter.spec.priority ?? 0, versioned.has(subject));
    if (type !== undefined) {
      const at = `spec.configPatches[${index}].patch`;
      const hint = type.level === "warning" ? "set a priority, or use INSERT_FIRST or ADD" : undefined;
      report(filter, type, [], { near: at, hint });
    }
    if ((entry.match?.proxy?.proxyVersion ?? "") !== "") versioned.add(subject);
  }
}

/** The name of what is patched; one from the value and one from the match are never taken for the same. */
function subjectOf({ patch, match }: Patch): string {
  const value: unknown = patch?.value;
  if (value === undefined) return "";
  if (typeof value === "object" && value !== null && "name" in value) return `value ${JSON.stringify(value.name)}`;
  return match?.listener?.filterChain?.filter?.name ?? "";
}

function faultOf({ applyTo = "INVALID", patch }: Patch, priority: number, afterVersioned: boolean) {
  const relative =
    priority !== 0
      ? undefined
      : afterVersioned
        ? MESSAGES.EnvoyFilterUsesRelativeOperationWithProxyVersion
        : MESSAGES.EnvoyFilterUsesRelativeOperation;
  switch (patch?.operation) {
    case "ADD":
      return NOT_ADDED.has(applyTo) ? MESSAGES.EnvoyFilterUsesAddOperationIncorrectly : undefined;
    case "REMOVE":
      return NOT_ADDED.has(applyTo) ? MESSAGES.EnvoyFilterUsesRemoveOperationIncorrectly : relative;
    case "REPLACE":
      return REPLACEABLE.has(applyTo) ? relative : MESSAGES.EnvoyFilterUsesReplaceOperationIncorrectly;
    case "INSERT_BEFORE":
    case "INSERT_AFTER":
      return relative;
    default:
      return undefined;
  }
}
