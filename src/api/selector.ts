// What a policy or setting is for: workloads by labels, or Services and Gateways by name.
import { field, limited, map, message, repeated, required, string, type Decoded } from "./declaration.ts";

const noWildcardIn = (what: string) => ({ rule: '!self.contains("*")', message: `wildcard ${what}` });

/** With matchLabels: how security, telemetry and extensions, and DestinationRule, select. */
export const workloadSelector = message("WorkloadSelector", {
  matchLabels: field(
    limited(map(limited(string, { maxLength: 63, rules: [noWildcardIn("not allowed in label value match")] })), {
      maxProperties: 4096,
      rules: [
        { rule: 'self.all(key, !key.contains("*"))', message: "wildcard not allowed in label key match" },
        { rule: "self.all(key, key.size() != 0)", message: "key must not be empty" },
      ],
    }),
    "Labels that a workload bears",
  ),
});
export type WorkloadSelector = Decoded<typeof workloadSelector>;

/** With labels: how the older networking kinds select. */
export const labelsSelector = message("WorkloadSelector", {
  labels: field(
    limited(map(limited(string, { maxLength: 63, rules: [noWildcardIn("is not supported in selector")] })), { maxProperties: 256 }),
    "Labels that a workload bears",
  ),
});
export type LabelsSelector = Decoded<typeof labelsSelector>;

export const policyTargetReference = message("PolicyTargetReference", {
  group: field(
    limited(string, { maxLength: 253, pattern: "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" }),
    "The API group; empty for Kubernetes' core group",
  ),
  kind: required(
    limited(string, { minLength: 1, maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" }),
    "The kind: Gateway, GatewayClass, Service or ServiceEntry",
  ),
  name: required(limited(string, { minLength: 1, maxLength: 253 }), "The object's name"),
  namespace: field(
    limited(string, { rules: [{ rule: "self.size() == 0", message: "cross namespace referencing is not currently supported" }] }),
    "Must be left out: only objects of the own namespace can be referred to",
  ),
});
export type PolicyTargetReference = Decoded<typeof policyTargetReference>;

export const targetRefs = limited(repeated(policyTargetReference), { maxItems: 16 });

/** At most one way to select; AuthorizationPolicy, RequestAuthentication, Telemetry and WasmPlugin. */
export const oneSelector = {
  rules: [
    {
      rule: "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
      message: "only one of targetRefs or selector can be set",
    },
  ],
};

/** The fields of a kind that selects by labels or by reference. */
export const policySelection = {
  selector: field(workloadSelector, "Workloads that it is for; without any all of the namespace"),
  targetRef: field(policyTargetReference, "The object that it is for; targetRefs replaces it"),
  targetRefs: field(targetRefs, "Objects that it is for"),
};
