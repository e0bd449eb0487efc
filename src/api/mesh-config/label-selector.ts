// Kubernetes' label selector, as MeshConfig uses it for namespaces and services.
import { field, map, message, repeated, string } from "#api/declaration";

export const labelSelector = message("LabelSelector", {
  matchLabels: field(map(string), "Labels that must be there"),
  matchExpressions: field(
    repeated(
      message("LabelSelectorRequirement", {
        key: field(string, "The label's name"),
        operator: field(string, "In, NotIn, Exists or DoesNotExist"),
        values: field(repeated(string), "The values for In and NotIn"),
      }),
    ),
    "Conditions on labels",
  ),
});
