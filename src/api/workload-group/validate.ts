// Istio's rules for a WorkloadGroup and a WorkloadEntry.
import type { WorkloadEntrySpec } from "#api/workload-entry";
import type { ReadinessProbe, WorkloadGroupSpec } from "#api/workload-group";
import { checkLabels, checkNotNegative } from "#api/validation/common-rules";
import { domainFault, isDnsLabel, isIpAddress, portFault, unixPathFault, unixPrefix } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

export function validateWorkloadEntry(spec: WorkloadEntrySpec, check: Check): void {
  checkWorkloadEntry(spec, check, { servicePorts: undefined, hostAllowed: true });
}

interface EndpointRules {
  /** Names of the ServiceEntry's ports, for an endpoint of one. */
  readonly servicePorts: ReadonlySet<string> | undefined;
  /** Whether the address may be a host name. */
  readonly hostAllowed: boolean;
}

export function checkWorkloadEntry(spec: WorkloadEntrySpec, check: Check, rules: EndpointRules): void {
  const address = spec.address ?? "";
  const at = check.at("address");
  if (address === "") {
    if ((spec.network ?? "") === "") at.error("is required", "write the instance's IP address");
    else at.warning(`is empty: instances of network ${JSON.stringify(spec.network)} are reached through its gateway`);
  } else if (address.startsWith(unixPrefix)) {
    at.refuse(unixPathFault(address.slice(unixPrefix.length)));
    if (Object.keys(spec.ports ?? {}).length > 0) check.at("ports").error("a unix socket has no ports");
    if (rules.servicePorts !== undefined && rules.servicePorts.size !== 1)
      at.error("a unix socket serves a ServiceEntry with one port only");
  } else if (!isIpAddress(address)) {
    if (!rules.hostAllowed) at.error(`${JSON.stringify(address)} is no IP address`, "use resolution: DNS for host names");
    else if (domainFault(address) !== undefined) at.error(`${JSON.stringify(address)} is neither an IP address nor a host`);
  }
  checkPorts(spec, rules.servicePorts, check);
  checkLabels(spec.labels, check.at("labels"));
}

function checkPorts(spec: WorkloadEntrySpec, servicePorts: ReadonlySet<string> | undefined, check: Check): void {
  for (const [name, port] of Object.entries(spec.ports ?? {})) {
    const at = check.at("ports", name);
    if (!isDnsLabel(name)) at.error(`${JSON.stringify(name)} is no port name`);
    if (servicePorts?.has(name) === false) at.error(`${JSON.stringify(name)} is none of the ServiceEntry's ports`);
    at.refuse(portFault(port));
  }
}

/** Of the template Istio checks nothing: what is missing there is filled in at registration. Wrong ports would only show then. */
export function validateWorkloadGroup(spec: WorkloadGroupSpec, check: Check): void {
  checkLabels(spec.metadata?.labels, check.at("metadata", "labels"));
  if (spec.probe !== undefined) checkProbe(spec.probe, check.at("probe"));
}

function checkProbe(probe: ReadinessProbe, check: Check): void {
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const) {
    checkNotNegative(probe[field], check.at(field));
  }
  const { httpGet, tcpSocket, exec, grpc } = probe;
  if (httpGet !== undefined) {
    const at = check.at("httpGet");
    at.at("port").refuse(portFault(httpGet.port));
    if (!["", "HTTP", "HTTPS"].includes(httpGet.scheme ?? "")) at.at("scheme").error("must be HTTP or HTTPS");
    for (const [index, header] of (httpGet.httpHeaders ?? []).entries()) {
      if (!/^[-A-Za-z0-9]+$/u.test(header.name ?? ""))
        at.at("httpHeaders", index, "name").error(`${JSON.stringify(header.name ?? "")} is no header name`);
    }
  } else if (tcpSocket !== undefined) check.at("tcpSocket", "port").refuse(portFault(tcpSocket.port));
  else if (exec !== undefined) {
    if (exec.command.length === 0) check.at("exec", "command").error("must name a program");
  } else if (grpc !== undefined) check.at("grpc").error("is not supported, as in Istio", "use httpGet, tcpSocket or exec");
  else check.error("says not how to probe", "add httpGet, tcpSocket or exec");
}
