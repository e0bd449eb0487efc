// MeshConfig's serviceEntryVisibility: how far ServiceEntries of a namespace are seen at most, whatever their exportTo says.
import type { MeshConfigSpec } from "#api/mesh-config";
import { labelSelectorMatches, type Labels } from "./labels.ts";

export type EntryVisibility = "NONE" | "NAMESPACE" | "PUBLIC";

/** The first policy that matches the namespace decides. Without `applyToSidecars` it is for ambient meshes alone. */
export function entryVisibility(config: MeshConfigSpec["serviceEntryVisibility"], namespaceLabels: Labels): EntryVisibility {
  if (config?.applyToSidecars !== true) return "PUBLIC";
  const policy = config.policies?.find(({ matchingRules }) =>
    matchingRules?.some(({ namespaceSelector }) => labelSelectorMatches(namespaceSelector, namespaceLabels)),
  );
  const visibility = policy === undefined ? config.defaultVisibility : policy.visibility;
  return visibility === "NONE" || visibility === "NAMESPACE" ? visibility : "PUBLIC";
}

/** What is left of an exportTo; empty: MeshConfig's default counts. */
export function cappedExportTo(exportTo: readonly string[], namespace: string, visibility: EntryVisibility): readonly string[] {
  if (visibility === "PUBLIC") return exportTo;
  const own = exportTo.length === 0 || exportTo.some((entry) => entry === "*" || entry === "." || entry === namespace);
  return visibility === "NAMESPACE" && own ? ["."] : ["~"];
}
