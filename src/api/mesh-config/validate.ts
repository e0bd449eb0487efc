// Istio's rules for MeshConfig. Only what is written is checked: the rest comes from the defaults.
import type { MeshConfigSpec } from "#api/mesh-config";
import { checkConnectionPool, checkOutlierDetection } from "#api/destination-rule/validate";
import { ecdhCurves } from "#api/gateway/cipher-suites";
import { checkKnownOnce } from "#api/gateway/validate";
import { checkDuration, checkExportTo } from "#api/validation/common-rules";
import { isDnsLabel, portFault, wildcardDomainFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";
import type { HTTPRetry } from "#api/virtual-service";
import { checkRetry } from "#api/virtual-service/validate-route";

const maxConnectTimeoutMs = 30_000;

export function validateMeshConfig(spec: MeshConfigSpec, check: Check): void {
  if (spec.proxyListenPort !== undefined) check.at("proxyListenPort").refuse(portFault(spec.proxyListenPort));
  if (spec.proxyHttpPort !== undefined && spec.proxyHttpPort !== 0) check.at("proxyHttpPort").refuse(portFault(spec.proxyHttpPort));
  checkDuration(spec.connectTimeout, check.at("connectTimeout"));
  if ((spec.connectTimeout ?? 0) > maxConnectTimeoutMs) check.at("connectTimeout").error("must be 30s or less");
  if (spec.protocolDetectionTimeout !== undefined && spec.protocolDetectionTimeout !== 0) {
    checkDuration(spec.protocolDetectionTimeout, check.at("protocolDetectionTimeout"));
  }
  if (spec.rootNamespace !== undefined && spec.rootNamespace !== "" && !isDnsLabel(spec.rootNamespace)) {
    check.at("rootNamespace").error(`${JSON.stringify(spec.rootNamespace)} is no namespace`);
  }
  if (spec.trustDomain !== undefined) checkTrustDomain(spec.trustDomain, check.at("trustDomain"));
  for (const [index, alias] of (spec.trustDomainAliases ?? []).entries()) checkTrustDomain(alias, check.at("trustDomainAliases", index));
  for (const field of ["defaultServiceExportTo", "defaultVirtualServiceExportTo", "defaultDestinationRuleExportTo"] as const) {
    // ~ is allowed here: nobody sees what does not say otherwise.
    const entries = spec[field];
    if (entries?.length !== 1 || entries[0] !== "~") checkExportTo(entries, check.at(field), { ownOnly: false });
  }
  for (const [index, settings] of (spec.serviceSettings ?? []).entries()) {
    for (const [hostIndex, host] of (settings.hosts ?? []).entries()) {
      check.at("serviceSettings", index, "hosts", hostIndex).refuse(wildcardDomainFault(host));
    }
  }
  checkRetry(spec.defaultHttpRetryPolicy, check.at("defaultHttpRetryPolicy"));
  checkInboundRetry(spec.defaultInboundHttpRetryPolicy, check.at("defaultInboundHttpRetryPolicy"));
  if (spec.meshMTLS?.ecdhCurves !== undefined) check.at("meshMTLS", "ecdhCurves").error("cannot be chosen within the mesh");
  checkKnownOnce(spec.tlsDefaults?.ecdhCurves ?? [], ecdhCurves, "curve", check.at("tlsDefaults", "ecdhCurves"));
  const policy = spec.defaultTrafficPolicy;
  if (policy !== undefined) {
    checkConnectionPool(policy.connectionPool, check.at("defaultTrafficPolicy", "connectionPool"));
    checkOutlierDetection(policy.outlierDetection, check.at("defaultTrafficPolicy", "outlierDetection"));
  }
}

/** The last hop goes to one application on the same machine: other hosts and times for each try mean nothing there. */
function checkInboundRetry(retry: HTTPRetry | undefined, check: Check): void {
  if (retry === undefined) return;
  if ((retry.attempts ?? 0) === 0 && retry.backoff !== undefined) check.at("backoff").error("is set while attempts: 0 turns retries off");
  for (const field of ["perTryTimeout", "retryRemoteLocalities", "retryIgnorePreviousHosts"] as const) {
    if (retry[field] !== undefined) check.at(field).warning("has no meaning for calls to the own application");
  }
  checkRetry(retry, check);
}

function checkTrustDomain(domain: string, check: Check): void {
  const labels = domain.endsWith(".") ? domain.slice(0, -1).split(".") : domain.split(".");
  if (domain === "" || !labels.every(isDnsLabel)) check.error(`${JSON.stringify(domain)} is no trust domain`);
}
