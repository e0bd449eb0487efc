// ReferenceGrant: who of another namespace may refer to what here.
import { field, required, type Decoded } from "#api/declaration";
import { list, structure } from "#api/structure";
import { groupName, kindName, namespaceName, objectName } from "./references.ts";

export const referenceGrant = structure("ReferenceGrant", {
  from: required(
    list(
      structure("ReferenceGrantFrom", {
        group: required(groupName, 'The API group; "" is the core'),
        kind: required(kindName, "The kind"),
        namespace: required(namespaceName, "The namespace"),
      }),
      { minItems: 1, maxItems: 16 },
    ),
    "Who may refer",
  ),
  to: required(
    list(
      structure("ReferenceGrantTo", {
        group: required(groupName, 'The API group; "" is the core'),
        kind: required(kindName, "The kind"),
        name: field(objectName, "The name; any when it is left out"),
      }),
      { minItems: 1, maxItems: 16 },
    ),
    "What may be referred to",
  ),
});
export type ReferenceGrantSpec = Decoded<typeof referenceGrant>;
