// Kubernetes' LabelSelector, and its rules.
import { field, required, string, type Decoded } from "#api/declaration";
import { list, stringMap, strings, structure } from "#api/structure";
import { checkLabels } from "#api/validation/common-rules";
import { labelKeyFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

export const labelSelector = structure("LabelSelector", {
  matchLabels: field(stringMap, "Labels that must be there"),
  matchExpressions: field(
    list(
      structure("LabelSelectorRequirement", {
        key: required(string, "The label's name"),
        operator: required(string, "In, NotIn, Exists or DoesNotExist"),
        values: field(strings, "The values of In and NotIn"),
      }),
    ),
    "What labels must be like",
  ),
});
export type LabelSelector = Decoded<typeof labelSelector>;

export function checkLabelSelector(selector: LabelSelector | undefined, check: Check): void {
  checkLabels(selector?.matchLabels, check.at("matchLabels"));
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = check.at("matchExpressions", index);
    at.at("key").refuse(labelKeyFault(key));
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) at.at("values").error(`${operator} needs values`);
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) at.at("values").error(`${operator} takes no values`);
    } else {
      at.at("operator").error(`must be In, NotIn, Exists or DoesNotExist, is ${JSON.stringify(operator)}`);
    }
  }
}
