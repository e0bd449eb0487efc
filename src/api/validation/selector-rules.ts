// Rules for what a policy is for.
import type { LabelsSelector, PolicyTargetReference, WorkloadSelector } from "#api/selector";
import type { Check } from "./violations.ts";

function checkSelectorLabels(labels: Readonly<Record<string, string>> | undefined, check: Check): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const at = check.at(key);
    if (key === "") at.error("a label's name must not be empty");
    if (key.includes("*") || value.includes("*")) at.error("a selector has no wildcards", "write the label's whole name and value");
  }
  if (Object.keys(labels ?? {}).length === 0) check.warning("selects nothing by label, so all workloads of the namespace are meant");
}

export function checkWorkloadSelector(selector: WorkloadSelector | undefined, check: Check): void {
  if (selector !== undefined) checkSelectorLabels(selector.matchLabels, check.at("matchLabels"));
}

export function checkLabelsSelector(selector: LabelsSelector | undefined, check: Check): void {
  if (selector !== undefined) checkSelectorLabels(selector.labels, check.at("labels"));
}

/** Group and kind; which version is meant does not matter. */
const targets: ReadonlySet<string> = new Set([
  "/Service",
  "networking.istio.io/ServiceEntry",
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.k8s.io/GatewayClass",
]);

function checkTargetReference(reference: PolicyTargetReference, check: Check): void {
  if (reference.name === "") check.at("name").error("must not be empty");
  if ((reference.namespace ?? "") !== "") check.at("namespace").error("objects of another namespace cannot be referred to", "remove it");
  const group = reference.group === "core" ? "" : (reference.group ?? "");
  if (!targets.has(`${group}/${reference.kind}`)) {
    const shown = group === "" ? reference.kind : `${group}/${reference.kind}`;
    check.at("kind").error(`${shown} cannot be referred to`, "use a Gateway, GatewayClass, Service or ServiceEntry, with its group");
  }
}

function checkTargetReferences(references: readonly PolicyTargetReference[] | undefined, check: Check): void {
  for (const [index, reference] of (references ?? []).entries()) checkTargetReference(reference, check.at(index));
}

interface PolicySelection {
  readonly selector?: WorkloadSelector | undefined;
  readonly targetRef?: PolicyTargetReference | undefined;
  readonly targetRefs?: readonly PolicyTargetReference[] | undefined;
}

export function checkPolicySelection(spec: PolicySelection, check: Check): void {
  const { selector, targetRef, targetRefs = [] } = spec;
  const ways = [selector !== undefined, targetRef !== undefined, targetRefs.length > 0].filter(Boolean).length;
  if (ways > 1) check.error("selector, targetRef and targetRefs cannot stand side by side", "keep one of them");
  checkWorkloadSelector(selector, check.at("selector"));
  if (targetRef !== undefined) checkTargetReference(targetRef, check.at("targetRef"));
  checkTargetReferences(targetRefs, check.at("targetRefs"));
}
