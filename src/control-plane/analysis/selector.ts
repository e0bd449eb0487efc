// Selectors as analysis needs them beyond registry/labels: their text, and Kubernetes' LabelSelector with expressions.
import { selects, type Labels } from "#control-plane/registry/labels";
import type { LabelSelector, Written } from "./specs.ts";

/** `a=1,b=2`, whatever the order in which it was written. */
export function selectorText(selector: Labels): string {
  return Object.keys(selector)
    .toSorted()
    .map((key) => `${key}=${selector[key] ?? ""}`)
    .join(",");
}

/** The field of a selector's first label, which is where a reader looks for it. */
export function selectorField(selector: Labels, field: string): string {
  const first = Object.keys(selector).toSorted()[0];
  return first === undefined ? field : /^\w+$/u.test(first) ? `${field}.${first}` : `${field}[${JSON.stringify(first)}]`;
}

/** A selector that is not there selects everything, one that is wrong nothing. */
export function labelSelectorMatches(selector: Written<LabelSelector> | undefined, labels: Labels): boolean {
  if (selector === undefined) return true;
  if (!selects((selector.matchLabels ?? {}) as Labels, labels)) return false;
  return (selector.matchExpressions ?? []).every((expression) => {
    const { key = "", operator, values = [] } = expression ?? {};
    const value = labels[key];
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return false;
    }
  });
}
