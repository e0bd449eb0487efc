// Namespace, ServiceAccount, Secret, ConfigMap and Node.
import { bool, field, json, string, type Decoded } from "#api/declaration";
import { list, opaque, stringMap, strings, structure, table } from "#api/structure";

export const namespace = structure("Namespace", { finalizers: field(strings, "What must happen before it is deleted") });

export const serviceAccount = structure("ServiceAccount", {
  secrets: field(json, "Its Secrets"),
  imagePullSecrets: field(json, "Secrets for fetching images"),
  automountServiceAccountToken: field(bool, "Whether pods get a token of it"),
});

/** Values are any JSON here and judged by the rules, whose messages show none of them. */
const hidden = table({ shape: json.shape } as typeof json);
export const secret = structure("Secret", {
  type: field(string, "What it holds, such as kubernetes.io/tls"),
  data: field(hidden, "Bytes by name, in base64"),
  stringData: field(hidden, "Texts by name; they win over data"),
  immutable: field(bool, "Whether it may change"),
});
export type WrittenSecret = Decoded<typeof secret>;
/** What a Secret that was accepted is: its values are texts. */
export interface SecretSpec {
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly stringData?: Readonly<Record<string, string>> | undefined;
  readonly immutable?: boolean | undefined;
}

export const configMap = structure("ConfigMap", {
  data: field(stringMap, "Texts by name"),
  binaryData: field(stringMap, "Bytes by name, in base64"),
  immutable: field(bool, "Whether it may change"),
});
export type ConfigMapSpec = Decoded<typeof configMap>;

export const node = structure("Node", {
  providerID: field(string, "Its name with the cloud's provider"),
  podCIDR: field(string, "Addresses of its pods"),
  podCIDRs: field(strings, "Addresses of its pods"),
  externalID: field(string, "Not used by Kubernetes"),
  unschedulable: field(bool, "Whether pods stay away"),
  taints: field(
    list(
      structure("Taint", {
        key: field(string, "Its name"),
        value: field(string, "Its value"),
        effect: field(string, "What it does"),
        timeAdded: field(string, "Since when"),
      }),
    ),
    "What keeps pods away",
  ),
  ...opaque({ podPreemptionPolicy: "How pods may push others away", configSource: "Not used by Kubernetes" }),
});
export type NodeSpec = Decoded<typeof node>;
