// CustomResourceDefinition and the webhook configurations: how a cluster's API is extended.
import { bool, field, json, required, string, type Decoded } from "#api/declaration";
import { int32, list, opaque, strings, structure } from "#api/structure";
import { labelSelector } from "./label-selector.ts";

export const customResourceDefinition = structure("CustomResourceDefinition", {
  group: required(string, "Its API group"),
  names: required(
    structure("CustomResourceDefinitionNames", {
      kind: required(string, "The kind"),
      plural: required(string, "Its name in paths"),
      singular: field(string, "Its name in commands"),
      listKind: field(string, "The kind of its lists"),
      shortNames: field(strings, "Short names in commands"),
      categories: field(strings, "Groups of kinds it belongs to"),
    }),
    "Its names",
  ),
  scope: required(string, "Namespaced or Cluster"),
  versions: field(
    list(
      structure("CustomResourceDefinitionVersion", {
        name: required(string, "The version"),
        served: field(bool, "Whether it is served"),
        storage: field(bool, "Whether it is the stored one"),
        deprecated: field(bool, "Whether it is going"),
        deprecationWarning: field(string, "What is said to its users"),
        ...opaque({
          schema: "Its schema",
          subresources: "Its sub-resources",
          additionalPrinterColumns: "Columns in listings",
          selectableFields: "Fields to select by",
        }),
      }),
    ),
    "Its versions",
  ),
  conversion: field(json, "How versions are converted"),
  preserveUnknownFields: field(bool, "Whether unknown fields are kept"),
});
export type CustomResourceDefinitionSpec = Decoded<typeof customResourceDefinition>;

const webhookClientConfig = structure("WebhookClientConfig", {
  url: field(string, "Where it is, outside the cluster"),
  service: field(
    structure("ServiceReference", {
      name: required(string, "The Service"),
      namespace: required(string, "Its namespace"),
      path: field(string, "The path"),
      port: field(int32, "The port; 443 when it is left out"),
    }),
    "Where it is, in the cluster",
  ),
  caBundle: field(string, "Certificates of its authority, in base64"),
});

const webhookFields = {
  name: required(string, "Its name"),
  clientConfig: required(webhookClientConfig, "Where it is"),
  namespaceSelector: field(labelSelector, "Labels of namespaces it is asked for"),
  objectSelector: field(labelSelector, "Labels of objects it is asked for"),
  failurePolicy: field(string, "What happens when it fails"),
  matchPolicy: field(string, "Whether other versions count"),
  sideEffects: field(string, "Whether it does more than answer"),
  timeoutSeconds: field(int32, "Time to answer"),
  admissionReviewVersions: field(strings, "Versions it speaks"),
  ...opaque({ rules: "What it is asked about", matchConditions: "When it is asked" }),
};

export const validatingWebhookConfiguration = structure("ValidatingWebhookConfiguration", {
  webhooks: field(list(structure("ValidatingWebhook", webhookFields)), "The webhooks"),
});

export const mutatingWebhookConfiguration = structure("MutatingWebhookConfiguration", {
  webhooks: field(
    list(
      structure("MutatingWebhook", {
        ...webhookFields,
        reinvocationPolicy: field(string, "Whether it is asked again"),
      }),
    ),
    "The webhooks",
  ),
});
export type WebhookConfiguration = Decoded<typeof mutatingWebhookConfiguration>;
