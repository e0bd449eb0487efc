// Kubernetes' LabelSelector, and its rules.
import { field, required, string, type Decoded } from "#api/declaration";
import { list, stringMap, strings, structure } from "#api/structure";
import { labelKeyFault, labelValueFault } from "#api/validation/names";
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

/** A warning where the API server takes the object and only its reader cannot use the selector. */
export function checkLabelSelector(selector: LabelSelector | undefined, level: "error" | "warning", check: Check): void {
  const say = (at: Check, fault: string | undefined): void => {
    if (fault !== undefined) at[level](fault);
  };
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    say(check.at("matchLabels", key), labelKeyFault(key) ?? labelValueFault(value));
  }
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = check.at("matchExpressions", index);
    say(at.at("key"), labelKeyFault(key));
    if (operator === "In" || operator === "NotIn") {
      say(at.at("values"), values.length === 0 ? `${operator} needs values` : undefined);
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      say(at.at("values"), values.length > 0 ? `${operator} takes no values` : undefined);
    } else {
      say(at.at("operator"), `must be In, NotIn, Exists or DoesNotExist, is ${JSON.stringify(operator)}`);
    }
  }
}
