// Istio's rules for an AuthorizationPolicy.
import type { AuthorizationPolicySpec, Condition, Operation, Rule, Source } from "#api/authorization-policy";
import { didYouMean } from "#api/suggestion";
import { checkPolicySelection } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";
import {
  accountFault,
  addressFault,
  attributeFault,
  attributeNames,
  attributeValuesFault,
  emptyFault,
  portsFault,
  trustDomainFault,
  type ValuesFault,
} from "./attributes.ts";
import { pathTemplateFault } from "./path-template.ts";

export function validateAuthorizationPolicy(spec: AuthorizationPolicySpec, check: Check): void {
  checkPolicySelection(spec, check);
  const action = spec.action ?? "ALLOW";
  if (action === "CUSTOM") checkCustom(spec, check);
  else if (spec.provider !== undefined)
    check.at("provider").error(`is for the action CUSTOM, not ${action}`, "set action: CUSTOM or remove it");
  if (action === "DENY" && spec.rules === undefined) {
    check.error("DENY without rules never matches", "add rules; rules: [{}] denies everything");
  }
  for (const [index, rule] of (spec.rules ?? []).entries()) checkRule(rule, action, check.at("rules", index));
}

const notForCustom = [
  "namespaces",
  "notNamespaces",
  "serviceAccounts",
  "notServiceAccounts",
  "trustDomains",
  "notTrustDomains",
  "principals",
  "notPrincipals",
  "requestPrincipals",
  "notRequestPrincipals",
] as const;

const identityAttributes: ReadonlySet<string> = new Set([
  "source.namespace",
  "source.serviceAccount",
  "source.trustDomain",
  "source.principal",
]);

/** The authorizer outside is asked before identities are known. */
function checkCustom(spec: AuthorizationPolicySpec, check: Check): void {
  if (spec.rules === undefined) {
    check.error("CUSTOM without rules never matches", "add rules; rules: [{}] matches everything");
  } else if ((spec.provider?.name ?? "") === "") {
    check.at("provider", "name").error("CUSTOM needs the extension provider that decides", "name one of MeshConfig.extensionProviders");
  }
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    for (const [fromIndex, { source }] of (rule.from ?? []).entries()) {
      for (const name of notForCustom) {
        if ((source?.[name] ?? []).length > 0) {
          check.at("rules", index, "from", fromIndex, "source", name).error("cannot be used with the action CUSTOM");
        }
      }
    }
    for (const [whenIndex, { key }] of (rule.when ?? []).entries()) {
      if (identityAttributes.has(key) || key.startsWith("request.auth.")) {
        check.at("rules", index, "when", whenIndex, "key").error(`${key} cannot be used with the action CUSTOM`);
      }
    }
  }
}

function checkRule(rule: Rule, action: string, check: Check): void {
  if (rule.from?.length === 0) check.at("from").error("must not be empty", "remove it to let any caller match");
  if (rule.to?.length === 0) check.at("to").error("must not be empty", "remove it to let any operation match");
  for (const [index, { source }] of (rule.from ?? []).entries()) {
    const at = check.at("from", index, "source");
    if (source === undefined) at.error("is required");
    else checkSource(source, at);
  }
  for (const [index, { operation }] of (rule.to ?? []).entries()) {
    const at = check.at("to", index, "operation");
    if (operation === undefined) at.error("is required");
    else checkOperation(operation, at);
  }
  for (const [index, condition] of (rule.when ?? []).entries()) checkCondition(condition, check.at("when", index));
  if (action === "DENY") warnHttpOnly(rule, check);
}

const sourceValues: Readonly<Record<keyof Source, ValuesFault>> = {
  principals: emptyFault,
  notPrincipals: emptyFault,
  requestPrincipals: emptyFault,
  notRequestPrincipals: emptyFault,
  namespaces: emptyFault,
  notNamespaces: emptyFault,
  ipBlocks: addressFault,
  notIpBlocks: addressFault,
  remoteIpBlocks: addressFault,
  notRemoteIpBlocks: addressFault,
  serviceAccounts: accountFault,
  notServiceAccounts: accountFault,
  trustDomains: trustDomainFault,
  notTrustDomains: trustDomainFault,
};

function checkSource(source: Source, check: Check): void {
  const has = (...names: readonly (keyof Source)[]): boolean => names.some((name) => (source[name] ?? []).length > 0);
  if (has("serviceAccounts", "notServiceAccounts") && has("principals", "notPrincipals", "namespaces", "notNamespaces")) {
    check.error("accounts cannot stand beside principals or namespaces", "write them in another from");
  }
  const names = Object.keys(sourceValues) as (keyof Source)[];
  if (!has(...names)) check.error("is empty", "add a condition or remove it");
  for (const name of names) check.at(name).refuse(sourceValues[name](source[name] ?? []));
}

const operationValues: Readonly<Record<keyof Operation, ValuesFault>> = {
  hosts: emptyFault,
  notHosts: emptyFault,
  ports: portsFault,
  notPorts: portsFault,
  methods: emptyFault,
  notMethods: emptyFault,
  paths: emptyFault,
  notPaths: emptyFault,
};

function checkOperation(operation: Operation, check: Check): void {
  const names = Object.keys(operationValues) as (keyof Operation)[];
  if (!names.some((name) => (operation[name] ?? []).length > 0)) check.error("is empty", "add a condition or remove it");
  for (const name of names) check.at(name).refuse(operationValues[name](operation[name] ?? []));
  for (const name of ["paths", "notPaths"] as const) {
    for (const [index, path] of (operation[name] ?? []).entries()) check.at(name, index).refuse(pathTemplateFault(path));
  }
}

function checkCondition({ key, values = [], notValues = [] }: Condition, check: Check): void {
  if (key === "") {
    check.at("key").error("must not be empty", "for example request.headers[user-agent]");
    return;
  }
  if (values.length + notValues.length === 0) {
    check.error("needs values to compare with", "add values or notValues");
    return;
  }
  const fault = attributeFault(key);
  if (fault !== undefined) {
    check.at("key").error(fault, didYouMean(key, attributeNames()));
    return;
  }
  check.at("values").refuse(attributeValuesFault(key, values));
  check.at("notValues").refuse(attributeValuesFault(key, notValues));
}

const tcpSources = [
  "principals",
  "notPrincipals",
  "ipBlocks",
  "notIpBlocks",
  "namespaces",
  "notNamespaces",
  "remoteIpBlocks",
  "notRemoteIpBlocks",
  "serviceAccounts",
  "notServiceAccounts",
] as const;

/** Attributes of HTTP count as matched at TCP ports when the action is DENY: everything there is denied. */
function warnHttpOnly(rule: Rule, check: Check): void {
  const sources = (rule.from ?? []).flatMap(({ source }) => (source === undefined ? [] : [source]));
  const operations = (rule.to ?? []).flatMap(({ operation }) => (operation === undefined ? [] : [operation]));
  const tcpSource = sources.some((source) => tcpSources.some((name) => source[name] !== undefined));
  const tcpOperation = operations.some(({ ports, notPorts }) => ports !== undefined || notPorts !== undefined);
  const denies = (sources.length > 0 && operations.length === 0 && !tcpSource) || (operations.length > 0 && !tcpOperation);
  if (denies) check.warning("has conditions on HTTP alone, so everything at TCP ports is denied", "name the ports that are meant");
}
