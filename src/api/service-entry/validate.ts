// Istio's rules for a ServiceEntry.
import type { ServiceEntrySpec, ServicePort } from "#api/service-entry";
import { checkExportTo, checkLabels } from "#api/validation/common-rules";
import {
  domainFault,
  isDnsLabel,
  isIpAddress,
  partialWildcardFault,
  portFault,
  subnetFault,
  wildcardDomainFault,
} from "#api/validation/names";
import { isHttp, isTcp, isTls, protocolFault } from "#api/validation/protocols";
import { checkLabelsSelector } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";
import { checkWorkloadEntry } from "#api/workload-group/validate";

export function validateServiceEntry(spec: ServiceEntrySpec, check: Check): void {
  const resolution = spec.resolution ?? "NONE";
  checkLabelsSelector(spec.workloadSelector, check.at("workloadSelector"));
  if (spec.workloadSelector !== undefined && spec.endpoints !== undefined) {
    check.at("endpoints").error("cannot stand beside workloadSelector", "keep one of them");
  }
  checkHosts(spec, check.at("hosts"));
  for (const [index, address] of (spec.addresses ?? []).entries()) {
    const at = check.at("addresses", index);
    at.refuse(subnetFault(address));
    if (address.includes("/") && resolution !== "NONE" && resolution !== "STATIC") {
      at.error(`a network cannot be resolved by ${resolution}`, "use resolution NONE or STATIC, or write addresses");
    }
  }
  checkPorts(spec, check.at("ports"));
  checkResolution(spec, check);
  checkExportTo(spec.exportTo, check.at("exportTo"), { ownOnly: false, nobody: true });
}

function checkHosts(spec: ServiceEntrySpec, check: Check): void {
  if (spec.hosts.length === 0) check.error("needs at least one host");
  for (const [index, host] of spec.hosts.entries()) {
    const at = check.at(index);
    if (host === "*") {
      at.error("* would stand for every host", "name hosts; for all of a domain write *.example.com");
      continue;
    }
    at.refuse(wildcardDomainFault(host));
    const partial = spec.resolution === "DYNAMIC_DNS" ? undefined : partialWildcardFault(host);
    if (partial !== undefined) at.warning(partial);
  }
}

function checkPorts(spec: ServiceEntrySpec, check: Check): void {
  const numbers = new Set<number>();
  // Without an address of its own a TCP service can be told from others only by an address that the mesh allocates.
  const allocates = (spec.resolution ?? "NONE") !== "NONE" && !allocationRefused(check);
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const at = check.at(index);
    if (numbers.has(port.number)) at.at("number").error(`port ${port.number} stands twice`);
    numbers.add(port.number);
    if (!isDnsLabel(port.name)) at.at("name").error(`${JSON.stringify(port.name)} is no port name`, "use letters, digits and -");
    at.at("number").refuse(portFault(port.number));
    if ((port.targetPort ?? 0) !== 0) at.at("targetPort").refuse(portFault(port.targetPort ?? 0));
    at.at("protocol").refuse(protocolFault(port.protocol));
    const bare = (port.protocol ?? "") === "" || port.protocol === "TCP";
    if ((spec.addresses ?? []).length === 0 && !allocates && bare) {
      at.warning("serves TCP and needs addresses, as none are allocated", "add addresses, or set the protocol");
    }
  }
}

function allocationRefused(check: Check): boolean {
  return check.object.labels?.["networking.istio.io/enable-autoallocate-ip"]?.toLowerCase() === "false";
}

function checkResolution(spec: ServiceEntrySpec, check: Check): void {
  const resolution = spec.resolution ?? "NONE";
  const endpoints = spec.endpoints ?? [];
  const ports = spec.ports ?? [];
  switch (resolution) {
    case "NONE":
      if (endpoints.length > 0)
        check.at("endpoints").error("with resolution NONE the caller's own address counts", "set resolution: STATIC");
      if (spec.workloadSelector !== undefined)
        check.at("workloadSelector").warning("has no effect with resolution NONE", "set resolution: STATIC");
      break;
    case "STATIC": {
      const names = new Set(ports.map((port) => port.name));
      for (const [index, endpoint] of endpoints.entries()) {
        checkWorkloadEntry(endpoint, check.at("endpoints", index), { servicePorts: names, hostAllowed: false });
      }
      break;
    }
    case "DNS":
    case "DNS_ROUND_ROBIN":
      checkDns(spec, check);
      break;
    case "DYNAMIC_DNS":
      checkDynamicDns(spec, check);
  }
  if (resolution !== "NONE" && spec.hosts.length > 1) {
    const index = ports.findIndex((port) => !isHttp(port.protocol) && !isTls(port.protocol));
    if (index !== -1)
      check
        .at("ports", index, "protocol")
        .error("several hosts can be told apart only by HTTP or TLS", "write a ServiceEntry for each host");
  }
}

function checkDns(spec: ServiceEntrySpec, check: Check): void {
  const endpoints = spec.endpoints ?? [];
  if (endpoints.length === 0) {
    const index = spec.hosts.findIndex((host) => domainFault(host) !== undefined);
    if (index !== -1) {
      check
        .at("hosts", index)
        .error(`${JSON.stringify(spec.hosts[index])} cannot be looked up`, "add endpoints, or name hosts without wildcards");
    }
  }
  if (spec.resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1) {
    check.at("endpoints").error("DNS_ROUND_ROBIN takes one endpoint at most", "use resolution: DNS");
  }
  const names = new Set((spec.ports ?? []).map((port) => port.name));
  for (const [index, endpoint] of endpoints.entries()) {
    const at = check.at("endpoints", index);
    const address = endpoint.address ?? "";
    if (!isIpAddress(address) && domainFault(address) !== undefined) {
      at.at("address").error(`${JSON.stringify(address)} is neither an IP address nor a host`);
    }
    checkLabels(endpoint.labels, at.at("labels"));
    for (const [name, port] of Object.entries(endpoint.ports ?? {})) {
      const portAt = at.at("ports", name);
      if (!names.has(name)) portAt.error(`${JSON.stringify(name)} is none of the ServiceEntry's ports`);
      if (!isDnsLabel(name)) portAt.error(`${JSON.stringify(name)} is no port name`);
      portAt.refuse(portFault(port));
    }
  }
  const firstTcp = (spec.ports ?? []).some((port) => isTcp(port.protocol));
  if ((spec.addresses ?? []).length > 0 && firstTcp && spec.hosts.length > 1) {
    check.at("hosts").warning("several hosts share addresses and a TCP port, where they cannot be told apart");
  }
}

const dynamicProtocols: ReadonlySet<string> = new Set(["http", "tls", "grpc", "http2"]);

function checkDynamicDns(spec: ServiceEntrySpec, check: Check): void {
  for (const [index, host] of spec.hosts.entries()) {
    if (!host.startsWith("*")) check.at("hosts", index).error("DYNAMIC_DNS is for hosts with a wildcard", "use resolution: DNS");
  }
  if ((spec.addresses ?? []).length > 0)
    check.at("addresses").error("DYNAMIC_DNS finds the address by the host that is called", "remove it");
  if ((spec.endpoints ?? []).length > 0)
    check.at("endpoints").error("DYNAMIC_DNS finds the address by the host that is called", "remove it");
  for (const [index, port] of (spec.ports ?? []).entries()) checkDynamicPort(port, check.at("ports", index, "protocol"));
  if ((spec.location ?? "MESH_EXTERNAL") === "MESH_INTERNAL" && usesWaypoint(check)) {
    check.at("location").error("MESH_INTERNAL with DYNAMIC_DNS cannot go through a waypoint");
  }
}

function checkDynamicPort(port: ServicePort, check: Check): void {
  if (!dynamicProtocols.has((port.protocol ?? "").toLowerCase())) {
    check.error("DYNAMIC_DNS needs HTTP, HTTP2, GRPC or TLS, where the host can be read", "set the protocol");
  }
}

function usesWaypoint(check: Check): boolean {
  const waypoint = check.object.labels?.["istio.io/use-waypoint"] ?? "";
  return waypoint !== "" && waypoint.toLowerCase() !== "none";
}
