// The status of a CustomResourceDefinition: kinds that are built in are established; of others nothing is served, and it says so.
import { memberAt, textAt, isList, member, type JsonObject } from "#control-plane/api-server/json";
import type { ResourceTable } from "#control-plane/api-server/resources/resource-table";

export function definitionStatus(definition: JsonObject, table: ResourceTable, now: string): JsonObject {
  const versions = memberAt(definition, "spec", "versions");
  const group = textAt(definition, "spec", "group");
  const plural = textAt(definition, "spec", "names", "plural");
  const isServed = table.all.some((resource) => resource.isCustom && resource.group === group && resource.plural === plural);
  const names = memberAt(definition, "spec", "names");
  const accepted = { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found", lastTransitionTime: now };
  const established = isServed
    ? {
        type: "Established",
        status: "True",
        reason: "InitialNamesAccepted",
        message: "the initial names have been accepted",
        lastTransitionTime: now,
      }
    : {
        type: "Established",
        status: "False",
        reason: "NotBuiltIn",
        message: "only kinds that are built in are served here: Istio's and the Gateway API's",
        lastTransitionTime: now,
      };
  return {
    acceptedNames: names ?? {},
    conditions: [accepted, established],
    storedVersions: (isList(versions) ? versions : []).flatMap((version) =>
      member(version, "storage") === true ? [textAt(version, "name")] : [],
    ),
  };
}
