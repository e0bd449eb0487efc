// Istio's rules for a DestinationRule.
import type { ClientTLSSettings } from "./client-tls.ts";
import type { ConnectionPoolSettings } from "./connection-pool.ts";
import type { DestinationRuleSpec, OutlierDetection, PortTrafficPolicy, TrafficPolicy } from "#api/destination-rule";
import { checkDuration, checkExportTo, checkLabels, checkNotNegative, checkPercentInteger } from "#api/validation/common-rules";
import { domainFault, isDnsLabel, isIpAddress, portFault, wildcardDomainFault } from "#api/validation/names";
import { checkWorkloadSelector } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";
import { checkLoadBalancer } from "./validate-load-balancer.ts";

export function validateDestinationRule(spec: DestinationRuleSpec, check: Check): void {
  check.at("host").refuse(wildcardDomainFault(spec.host));
  checkTrafficPolicy(spec.trafficPolicy, check.at("trafficPolicy"));
  const names = new Set<string>();
  for (const [index, subset] of (spec.subsets ?? []).entries()) {
    const at = check.at("subsets", index);
    if (!isDnsLabel(subset.name)) at.at("name").error(`${JSON.stringify(subset.name)} is no subset name`, "use letters, digits and -");
    if (names.has(subset.name)) at.at("name").error(`subset ${JSON.stringify(subset.name)} stands twice`);
    names.add(subset.name);
    checkLabels(subset.labels, at.at("labels"));
    checkTrafficPolicy(subset.trafficPolicy, at.at("trafficPolicy"));
  }
  checkExportTo(spec.exportTo, check.at("exportTo"), { ownOnly: spec.workloadSelector !== undefined });
  checkWorkloadSelector(spec.workloadSelector, check.at("workloadSelector"));
}

function checkTrafficPolicy(policy: TrafficPolicy | undefined, check: Check): void {
  if (policy === undefined) return;
  if (Object.keys(policy).length === 0) check.error("is empty", "write a setting or remove it");
  if (policy.tunnel !== undefined && policy.proxyProtocol !== undefined) check.error("cannot have both tunnel and proxyProtocol");
  checkSettings(policy, check);
  for (const [index, port] of (policy.portLevelSettings ?? []).entries()) {
    const at = check.at("portLevelSettings", index);
    if (port.port === undefined) at.error("needs the port that it is for", "add port: {number: ...}");
    const { outlierDetection, connectionPool, loadBalancer, tls } = port;
    if ([outlierDetection, connectionPool, loadBalancer, tls].every((setting) => setting === undefined)) at.error("sets nothing");
    checkSettings(port, at);
  }
  if (policy.tunnel === undefined) return;
  const { protocol, targetHost, targetPort } = policy.tunnel;
  const at = check.at("tunnel");
  if (!["", "CONNECT", "POST"].includes(protocol ?? "")) at.at("protocol").error("must be CONNECT or POST");
  if (!isIpAddress(targetHost)) at.at("targetHost").refuse(domainFault(targetHost));
  at.at("targetPort").refuse(portFault(targetPort));
}

function checkSettings(policy: TrafficPolicy | PortTrafficPolicy, check: Check): void {
  checkOutlierDetection(policy.outlierDetection, check.at("outlierDetection"));
  checkConnectionPool(policy.connectionPool, check.at("connectionPool"));
  checkLoadBalancer(policy.loadBalancer, policy.outlierDetection, check.at("loadBalancer"));
  checkClientTls(policy.tls, check.at("tls"));
}

export function checkOutlierDetection(outlier: OutlierDetection | undefined, check: Check): void {
  if (outlier === undefined) return;
  checkDuration(outlier.baseEjectionTime, check.at("baseEjectionTime"));
  checkDuration(outlier.interval, check.at("interval"));
  if ((outlier.consecutiveErrors ?? 0) !== 0) {
    check.at("consecutiveErrors").warning("is deprecated", "use consecutiveGatewayErrors or consecutive5xxErrors");
  }
  if (outlier.splitExternalLocalOriginErrors !== true && (outlier.consecutiveLocalOriginFailures ?? 0) > 0) {
    check.at("consecutiveLocalOriginFailures").error("counts only with splitExternalLocalOriginErrors", "set it to true");
  }
  checkPercentInteger(outlier.maxEjectionPercent, check.at("maxEjectionPercent"));
  checkPercentInteger(outlier.minHealthPercent, check.at("minHealthPercent"));
}

export function checkConnectionPool(pool: ConnectionPoolSettings | undefined, check: Check): void {
  if (pool === undefined) return;
  const { http, tcp } = pool;
  if (http === undefined && tcp === undefined) check.error("is empty", "add tcp or http");
  if (http !== undefined) {
    const at = check.at("http");
    for (const field of [
      "http1MaxPendingRequests",
      "http2MaxRequests",
      "maxRequestsPerConnection",
      "maxRetries",
      "maxConcurrentStreams",
    ] as const) {
      checkNotNegative(http[field], at.at(field));
    }
    checkDuration(http.idleTimeout, at.at("idleTimeout"));
    if (http.h2UpgradePolicy === "UPGRADE" && http.useClientProtocol === true) {
      at.at("useClientProtocol").error("cannot stand beside h2UpgradePolicy: UPGRADE");
    }
    const keepAlive = http.http2KeepAlive;
    if (keepAlive !== undefined) {
      for (const field of ["interval", "timeout"] as const) {
        if (keepAlive[field] === undefined) at.at("http2KeepAlive", field).error("is required");
        checkDuration(keepAlive[field], at.at("http2KeepAlive", field));
      }
    }
  }
  if (tcp === undefined) return;
  const at = check.at("tcp");
  checkNotNegative(tcp.maxConnections, at.at("maxConnections"));
  checkDuration(tcp.connectTimeout, at.at("connectTimeout"));
  checkDuration(tcp.maxConnectionDuration, at.at("maxConnectionDuration"));
  // 0s turns this one off.
  if (tcp.idleTimeout !== 0) checkDuration(tcp.idleTimeout, at.at("idleTimeout"));
  checkDuration(tcp.tcpKeepalive?.time, at.at("tcpKeepalive", "time"));
  checkDuration(tcp.tcpKeepalive?.interval, at.at("tcpKeepalive", "interval"));
}

export function checkClientTls(tls: ClientTLSSettings | undefined, check: Check): void {
  if (tls === undefined) return;
  const { mode } = tls;
  const originates = mode === "SIMPLE" || mode === "MUTUAL";
  const has = (text: string | undefined): boolean => text !== undefined && text !== "";
  if (has(tls.credentialName) && tls.credentialName?.startsWith("configmap://") === true) checkConfigMapName(tls.credentialName, check);
  if (tls.insecureSkipVerify === true && originates) {
    const names = has(tls.caCertificates) || tls.subjectAltNames !== undefined || (mode === "SIMPLE" && has(tls.credentialName));
    if (names) check.at("insecureSkipVerify").error("says not to check; nothing to check against may stand beside it");
  }
  if (originates && has(tls.credentialName)) {
    for (const field of ["clientCertificate", "privateKey", "caCertificates", "caCrl"] as const) {
      if (has(tls[field])) check.at(field).error("cannot stand beside credentialName", "remove one of them");
    }
    return;
  }
  if (mode !== "MUTUAL") return;
  if (!has(tls.clientCertificate)) check.at("clientCertificate").error("is required for MUTUAL");
  if (!has(tls.privateKey)) check.at("privateKey").error("is required for MUTUAL");
}

/** configmap://namespace/name, or configmap://name of the own namespace. */
function checkConfigMapName(reference: string, check: Check): void {
  const parts = reference.slice("configmap://".length).split("/");
  const at = check.at("credentialName");
  if (parts.length > 2 || parts.includes("")) at.error(`${JSON.stringify(reference)} names no ConfigMap`, "write configmap://NAME");
  else if (parts.length === 2 && parts[0] !== check.object.namespace) at.error("the ConfigMap must be in the rule's namespace");
}
