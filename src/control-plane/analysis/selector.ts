// Selectors as analysis needs them beyond registry/labels: their text, and Kubernetes' LabelSelector with expressions.
import type { Labels } from "#control-plane/registry/labels";

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
