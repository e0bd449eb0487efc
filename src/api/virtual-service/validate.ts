// Istio's rules for a VirtualService.
import type { TCPRoute, TLSRoute, VirtualServiceSpec } from "#api/virtual-service";
import { checkExportTo, checkLabels } from "#api/validation/common-rules";
import { isIpAddress, portFault, subnetFault, wildcardDomainFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";
import { warnCoveredPrefixes, warnUnreachable } from "./unreachable.ts";
import { checkGatewayNames, isClaim } from "./validate-match.ts";
import { checkDestinations, checkHttpRoute } from "./validate-route.ts";

export function validateVirtualService(spec: VirtualServiceSpec, check: Check): void {
  const hosts = spec.hosts ?? [];
  const gateways = spec.gateways ?? [];
  const http = spec.http ?? [];
  const isDelegate = hosts.length === 0;
  if (isDelegate) {
    if (gateways.length > 0) check.at("gateways").error("a VirtualService without hosts is a delegate and has no gateways", "add hosts");
    if ((spec.tls ?? []).length > 0) check.at("tls").error("a delegate has HTTP routes alone");
    if ((spec.tcp ?? []).length > 0) check.at("tcp").error("a delegate has HTTP routes alone");
  }
  checkGatewayNames(gateways, check.at("gateways"));
  const gatewayOnly = gateways.length > 0 && !gateways.includes("mesh");
  if (!gatewayOnly) checkClaims(spec, check);
  checkHosts(spec, gatewayOnly, check.at("hosts"));
  if (http.length + (spec.tls ?? []).length + (spec.tcp ?? []).length === 0) check.error("has no routes", "add http, tls or tcp");
  for (const [index, route] of http.entries()) checkHttpRoute(route, isDelegate, check.at("http", index));
  for (const [index, route] of (spec.tls ?? []).entries()) checkTlsRoute(route, hosts, gatewayOnly, check.at("tls", index));
  for (const [index, route] of (spec.tcp ?? []).entries()) checkTcpRoute(route, check.at("tcp", index));
  checkExportTo(spec.exportTo, check.at("exportTo"), { ownOnly: false });
  warnUnreachable(http, check.at("http"));
  warnCoveredPrefixes(http, check.at("http"));
  warnUnreachable(spec.tcp ?? [], check.at("tcp"));
  warnUnreachable(spec.tls ?? [], check.at("tls"));
}

function checkClaims(spec: VirtualServiceSpec, check: Check): void {
  for (const [index, route] of (spec.http ?? []).entries()) {
    for (const [matchIndex, match] of (route.match ?? []).entries()) {
      for (const field of ["headers", "withoutHeaders"] as const) {
        for (const name of Object.keys(match[field] ?? {})) {
          if (isClaim(name))
            check.at("http", index, "match", matchIndex, field, name).error("a token's claim can be matched at gateways alone");
        }
      }
    }
  }
}

function checkHosts(spec: VirtualServiceSpec, gatewayOnly: boolean, check: Check): void {
  const hosts = spec.hosts ?? [];
  const bySni = (spec.tls ?? []).some((route) => route.match.some((match) => match.sniHosts.length > 0));
  let valid = true;
  for (const [index, host] of hosts.entries()) {
    const fault = gatewayOnly && bySni && host.startsWith("outbound_") ? sniHostFault(host) : wildcardDomainFault(host);
    if (fault !== undefined) {
      if (isIpAddress(host)) continue;
      check.at(index).error(fault);
      valid = false;
    } else if (!gatewayOnly && host === "*") {
      check.at(index).error("* is too wide for the mesh", "name hosts, or bind the VirtualService to a Gateway");
      valid = false;
    }
  }
  if (valid) checkDuplicateHosts(hosts, check);
}

/** Beyond this many hosts only equal ones are looked for. */
const maxPairedHosts = 300;

function checkDuplicateHosts(hosts: readonly string[], check: Check): void {
  const seen = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    const same = seen.get(host);
    const wildcard =
      hosts.length > maxPairedHosts ? -1 : hosts.findIndex((other, at) => at < index && other !== host && hostsMatch(other, host));
    if (same !== undefined) check.at(index).error(`${JSON.stringify(host)} stands twice`);
    else if (wildcard !== -1)
      check.at(index).error(`${JSON.stringify(host)} and ${JSON.stringify(hosts[wildcard])} overlap`, "keep the wider one");
    seen.set(host, index);
  }
}

/** Whether some name is meant by both. */
function hostsMatch(a: string, b: string): boolean {
  if (!a.startsWith("*")) return b.startsWith("*") && a.endsWith(b.slice(1));
  if (!b.startsWith("*")) return b.endsWith(a.slice(1));
  return a.length < b.length ? b.endsWith(a.slice(1)) : a.endsWith(b.slice(1));
}

/** Names that AUTO_PASSTHROUGH gateways make: `outbound_.80_._.host`. */
export function sniHostFault(host: string): string | undefined {
  const parts = host.split("_");
  const port = (parts[1] ?? "").replaceAll(".", "");
  const name = (parts[3] ?? "").replaceAll(/^\.+|\.+$/gu, "");
  const valid = parts.length >= 4 && /\d/u.test(port) && /[a-zA-Z]/u.test(name);
  return valid ? undefined : `${JSON.stringify(host)} is no host: it should read outbound_.PORT_.SUBSET_.HOST`;
}

function checkTlsRoute(route: TLSRoute, hosts: readonly string[], gatewayOnly: boolean, check: Check): void {
  if (route.match.length === 0) check.at("match").error("needs at least one match");
  for (const [index, match] of route.match.entries()) {
    const at = check.at("match", index);
    if (match.sniHosts.length === 0) at.at("sniHosts").error("needs at least one server name");
    for (const [hostIndex, host] of match.sniHosts.entries()) checkSniHost(host, hosts, gatewayOnly, at.at("sniHosts", hostIndex));
    checkL4Match(match, at);
  }
  if ((route.route ?? []).length === 0) check.at("route").error("needs at least one destination");
  checkDestinations(route.route ?? [], check.at("route"));
}

function checkSniHost(host: string, hosts: readonly string[], gatewayOnly: boolean, check: Check): void {
  const fault = gatewayOnly && host.startsWith("outbound_") ? sniHostFault(host) : wildcardDomainFault(host);
  if (fault !== undefined) {
    if (isIpAddress(host)) check.warning("is an IP address, which hardly any client sends as a server name");
    else check.error(fault);
    return;
  }
  if (!hosts.some((other) => isWithin(host, other))) check.error(`${JSON.stringify(host)} is none of the VirtualService's hosts`);
}

/** Whether every name meant by the first is meant by the second. */
function isWithin(host: string, other: string): boolean {
  if (!other.startsWith("*")) return host === other;
  if (host.startsWith("*") && host.length < other.length) return false;
  return (host.startsWith("*") ? host.slice(1) : host).endsWith(other.slice(1));
}

function checkTcpRoute(route: TCPRoute, check: Check): void {
  for (const [index, match] of (route.match ?? []).entries()) checkL4Match(match, check.at("match", index));
  if ((route.route ?? []).length === 0) check.at("route").error("needs at least one destination");
  checkDestinations(route.route ?? [], check.at("route"));
}

function checkL4Match(match: NonNullable<TCPRoute["match"]>[number], check: Check): void {
  for (const [index, subnet] of (match.destinationSubnets ?? []).entries())
    check.at("destinationSubnets", index).refuse(subnetFault(subnet));
  if (match.port !== undefined && match.port !== 0) check.at("port").refuse(portFault(match.port));
  checkLabels(match.sourceLabels, check.at("sourceLabels"));
  checkGatewayNames(match.gateways ?? [], check.at("gateways"));
}
