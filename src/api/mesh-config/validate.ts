// Istio's rules for MeshConfig: what is written, over the defaults.
import type { MeshConfigSpec } from "#api/mesh-config";
import { checkConnectionPool, checkOutlierDetection } from "#api/destination-rule/validate";
import { checkLocality, checkZoneAware } from "#api/destination-rule/validate-load-balancer";
import { ecdhCurves } from "#api/gateway/cipher-suites";
import { checkKnownOnce } from "#api/gateway/validate";
import { checkDuration, checkExportTo } from "#api/validation/common-rules";
import { isDnsLabel, portFault, wildcardDomainFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";
import { withDefaults } from "./defaults.ts";
import { checkExtensionProviders } from "./validate-extension-provider.ts";
import { checkProxyConfig } from "./validate-proxy-config.ts";
import type { HTTPRetry } from "#api/virtual-service";
import { checkRetry } from "#api/virtual-service/validate-route";

const maxConnectTimeoutMs = 3_600_000;

export function validateMeshConfig(written: MeshConfigSpec, check: Check): void {
  checkMeshConfig(withDefaults(written), check);
}

/** For settings that are complete. */
export function checkMeshConfig(spec: MeshConfigSpec, check: Check): void {
  check.at("proxyListenPort").refuse(portFault(spec.proxyListenPort ?? 0));
  if (spec.proxyHttpPort !== undefined && spec.proxyHttpPort !== 0) check.at("proxyHttpPort").refuse(portFault(spec.proxyHttpPort));
  checkConnectTimeout(spec.connectTimeout ?? 0, check.at("connectTimeout"));
  checkWholeMilliseconds(spec.protocolDetectionTimeout ?? 0, check.at("protocolDetectionTimeout"));
  if (spec.defaultConfig === undefined) check.at("defaultConfig").error("is required");
  else checkProxyConfig(spec.defaultConfig, check.at("defaultConfig"));
  // Failover without outlierDetection is said of the DestinationRule that lacks it.
  checkLocality(spec.localityLbSetting, {}, check.at("localityLbSetting"));
  checkZoneAware(spec.zoneAwareLbSetting, {}, check.at("zoneAwareLbSetting"));
  // Istio takes them and logs: what nobody refers to does no harm.
  checkExtensionProviders(spec.extensionProviders ?? [], check.at("extensionProviders").lenient());
  if (spec.rootNamespace !== undefined && spec.rootNamespace !== "" && !isDnsLabel(spec.rootNamespace)) {
    check.at("rootNamespace").error(`${JSON.stringify(spec.rootNamespace)} is no namespace`);
  }
  checkTrustDomain(spec.trustDomain ?? "", check.at("trustDomain"));
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

export function checkConnectTimeout(ms: number, check: Check): void {
  checkDuration(ms, check);
  if (ms > maxConnectTimeoutMs) check.error("must be 1h or less");
}

export function checkWholeMilliseconds(ms: number, check: Check): void {
  if (!Number.isInteger(ms)) check.error("a duration must be whole milliseconds");
}

/** The last hop goes to one application on the same machine: other hosts and times for each try mean nothing there. */
export function checkInboundRetry(retry: HTTPRetry | undefined, check: Check): void {
  if (retry === undefined) return;
  if ((retry.attempts ?? 0) === 0 && retry.backoff !== undefined) check.at("backoff").error("is set while attempts: 0 turns retries off");
  for (const field of ["perTryTimeout", "retryRemoteLocalities", "retryIgnorePreviousHosts"] as const) {
    if (retry[field] !== undefined) check.at(field).warning("has no meaning for calls to the own application");
  }
  checkRetry(retry, check);
}

export function checkTrustDomain(domain: string, check: Check): void {
  const labels = domain.endsWith(".") ? domain.slice(0, -1).split(".") : domain.split(".");
  if (domain === "" || !labels.every(isDnsLabel)) check.error(`${JSON.stringify(domain)} is no trust domain`);
}
