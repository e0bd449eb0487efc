// ObjectMeta and what stands in it, as Kubernetes defines them.
import type { Schema } from "./schema.ts";
import { listMerging } from "./list-merging.ts";

const text = (description: string, format?: string): Schema => ({
  type: "string",
  description,
  ...(format === undefined ? {} : { format }),
});
const flag = (description: string): Schema => ({ type: "boolean", description });
const whole = (description: string): Schema => ({ type: "integer", format: "int64", description });
const texts = (description: string): Schema => ({ type: "object", description, values: { type: "string" } });

const fieldsV1: Schema = {
  type: "object",
  description: "The fields, as paths",
  open: true,
  merge: "atomic",
  definition: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
};

const managedFieldsEntry: Schema = {
  type: "object",
  description: "Which fields somebody manages",
  definition: "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
  properties: new Map([
    ["apiVersion", text("The version that the fields are of")],
    ["fieldsType", text("FieldsV1")],
    ["fieldsV1", fieldsV1],
    ["manager", text("Who manages them")],
    ["operation", text("Apply or Update")],
    ["subresource", text("The subresource that they were written through")],
    ["time", text("When they were written last", "date-time")],
  ]),
};

const ownerReference: Schema = {
  type: "object",
  description: "An object that this one belongs to",
  definition: "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
  required: ["apiVersion", "kind", "name", "uid"],
  merge: "atomic",
  properties: new Map([
    ["apiVersion", text("Its API version")],
    ["blockOwnerDeletion", flag("Whether it waits for this object when it is deleted in the foreground")],
    ["controller", flag("Whether it controls this object")],
    ["kind", text("Its kind")],
    ["name", text("Its name")],
    ["uid", text("Its id")],
  ]),
};

export const objectMetaSchema: Schema = {
  type: "object",
  description: "Name, namespace, labels, annotations, and what the server notes",
  definition: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
  properties: new Map<string, Schema>([
    ["annotations", texts("Texts for tools")],
    ["creationTimestamp", text("When it was made", "date-time")],
    ["deletionGracePeriodSeconds", whole("How long its deletion may take")],
    ["deletionTimestamp", text("When its deletion was asked for", "date-time")],
    [
      "finalizers",
      {
        type: "array",
        description: "What must happen before it is deleted",
        items: { type: "string" },
        ...listMerging("ObjectMeta", "finalizers"),
      },
    ],
    ["generateName", text("What a generated name begins with")],
    ["generation", whole("How often its spec has changed")],
    ["labels", texts("Labels that it can be selected by")],
    ["managedFields", { type: "array", description: "Who wrote which field", items: managedFieldsEntry, merge: "atomic" }],
    ["name", text("Its name")],
    ["namespace", text("Its namespace")],
    [
      "ownerReferences",
      { type: "array", description: "What it belongs to", items: ownerReference, ...listMerging("ObjectMeta", "ownerReferences") },
    ],
    ["resourceVersion", text("The version in the store")],
    ["selfLink", text("Not used by Kubernetes")],
    ["uid", text("Its id")],
  ]),
};

export const listMetaSchema: Schema = {
  type: "object",
  description: "The version of a list, and how to go on with it",
  definition: "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
  properties: new Map([
    ["continue", text("Where the next part begins")],
    ["remainingItemCount", whole("How many are not in this part")],
    ["resourceVersion", text("The version of the list")],
    ["selfLink", text("Not used by Kubernetes")],
  ]),
};
