// Istio's rules for a Sidecar.
import { checkConnectionPool } from "#api/destination-rule/validate";
import { checkTls } from "#api/gateway/validate";
import type { EgressListener, IngressListener, SidecarPort, SidecarSpec } from "#api/sidecar";
import {
  domainFault,
  isDnsLabel,
  isIpAddress,
  portFault,
  sidecarHostFault,
  splitHostPort,
  unixPathFault,
  unixPrefix,
} from "#api/validation/names";
import { isHttp, isTls, protocolFault } from "#api/validation/protocols";
import { checkLabelsSelector } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";
import { checkDestination } from "#api/virtual-service/validate-route";

export function validateSidecar(spec: SidecarSpec, check: Check): void {
  const { ingress = [], egress = [], inboundConnectionPool, outboundTrafficPolicy } = spec;
  checkLabelsSelector(spec.workloadSelector, check.at("workloadSelector"));
  if (ingress.length + egress.length === 0 && inboundConnectionPool === undefined && outboundTrafficPolicy === undefined) {
    check.error("is empty", "add egress, ingress, outboundTrafficPolicy or inboundConnectionPool");
  }
  checkIngress(ingress, check.at("ingress"));
  checkConnectionPool(inboundConnectionPool, check.at("inboundConnectionPool"));
  checkEgress(egress, check.at("egress"));
  checkOutboundPolicy(outboundTrafficPolicy, check.at("outboundTrafficPolicy"));
}

function checkIngress(listeners: readonly IngressListener[], check: Check): void {
  const ports = new Set<number>();
  for (const [index, listener] of listeners.entries()) {
    const at = check.at(index);
    const { port, bind = "", tls, connectionPool } = listener;
    checkPortBasics(port, at.at("port"));
    at.at("port", "number").refuse(portFault(port.number ?? 0));
    if (bind !== "" && !isIpAddress(bind)) at.at("bind").error(`${JSON.stringify(bind)} is no IP address`);
    if (ports.has(port.number ?? 0)) at.at("port", "number").error(`port ${port.number ?? 0} stands twice`);
    ports.add(port.number ?? 0);
    checkDefaultEndpoint(listener.defaultEndpoint ?? "", at.at("defaultEndpoint"));
    if (tls !== undefined) checkIngressTls(listener, at.at("tls"));
    checkConnectionPool(connectionPool, at.at("connectionPool"));
    if (connectionPool?.http !== undefined && !isHttp(port.protocol)) {
      at.at("connectionPool", "http").warning(`has no effect at a port of protocol ${port.protocol ?? '""'}`, "set port.protocol: HTTP");
    }
  }
}

function checkPortBasics(port: SidecarPort, check: Check): void {
  const { name = "", targetPort = 0 } = port;
  if (targetPort > 0) check.at("targetPort").error("has no meaning in a Sidecar", "remove it");
  if (name !== "" && !isDnsLabel(name)) check.at("name").error(`${JSON.stringify(name)} is no port name`, "use letters, digits and -");
  check.at("protocol").refuse(protocolFault(port.protocol));
}

const localHosts: ReadonlySet<string> = new Set(["", "127.0.0.1", "0.0.0.0", "::1", "::"]);

function checkDefaultEndpoint(endpoint: string, check: Check): void {
  if (endpoint === "") return;
  if (endpoint.startsWith(unixPrefix)) {
    check.refuse(unixPathFault(endpoint.slice(unixPrefix.length)));
    return;
  }
  const split = splitHostPort(endpoint);
  const hint = "write 127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT or unix:///PATH";
  if (split === undefined || !localHosts.has(split.host)) check.error(`${JSON.stringify(endpoint)} is no place of the application`, hint);
  else if (!/^[-+]?\d+$/u.test(split.port)) check.error(`${JSON.stringify(split.port)} is no port`, hint);
  else check.refuse(portFault(Number(split.port)), hint);
}

function checkIngressTls(listener: IngressListener, check: Check): void {
  const { tls } = listener;
  if (tls === undefined) return;
  if ((tls.subjectAltNames ?? []).length > 0) check.at("subjectAltNames").error("is not supported in a Sidecar");
  if (tls.httpsRedirect === true) check.at("httpsRedirect").error("is not supported in a Sidecar", "use a Gateway");
  for (const field of ["credentialName", "credentialNames", "tlsCertificates"] as const) {
    if ((tls[field] ?? "").length > 0)
      check.at(field).error("is not supported in a Sidecar", "name files: serverCertificate and privateKey");
  }
  if (tls.mode === "ISTIO_MUTUAL" || tls.mode === "AUTO_PASSTHROUGH") check.at("mode").error(`${tls.mode} cannot be used in a Sidecar`);
  if (!isTls(listener.port.protocol)) check.error("is for ports of protocol HTTPS or TLS", "set port.protocol: HTTPS");
  checkTls(tls, check);
}

function checkEgress(listeners: readonly EgressListener[], check: Check): void {
  const ports = new Set<number>();
  const sockets = new Set<string>();
  let catchAll = false;
  for (const [index, listener] of listeners.entries()) {
    const at = check.at(index);
    const { port, bind = "" } = listener;
    if (port === undefined) {
      if (catchAll || index !== listeners.length - 1) {
        at.error("a listener without a port takes what the others leave: there is one, and it stands last", "move it to the end");
      }
      catchAll = true;
    } else {
      checkEgressPort(port, listener, at);
      if ((port.number ?? 0) === 0) {
        if (sockets.has(bind)) at.at("bind").error(`${JSON.stringify(bind)} stands twice`);
        sockets.add(bind);
      } else {
        if (ports.has(port.number ?? 0)) at.at("port", "number").error(`port ${port.number ?? 0} stands twice`);
        ports.add(port.number ?? 0);
      }
    }
    checkEgressHosts(listener.hosts, at.at("hosts"));
  }
}

function checkEgressPort(port: SidecarPort, { bind = "", captureMode = "DEFAULT" }: EgressListener, check: Check): void {
  checkPortBasics(port, check.at("port"));
  if ((port.number ?? 0) !== 0) {
    check.at("port", "number").refuse(portFault(port.number ?? 0));
    if (bind !== "" && !isIpAddress(bind)) check.at("bind").error(`${JSON.stringify(bind)} is no IP address`);
    return;
  }
  if (bind.startsWith(unixPrefix)) check.at("bind").refuse(unixPathFault(bind.slice(unixPrefix.length)));
  else check.at("bind").error("port 0 is for a unix socket", "write bind: unix:///PATH, or a port");
  if (captureMode === "IPTABLES") check.at("captureMode").error("traffic to a unix socket cannot be captured", "use DEFAULT or NONE");
}

function checkEgressHosts(hosts: readonly string[], check: Check): void {
  if (hosts.length === 0) check.error("needs at least one host", "write */* for everything");
  const byNamespace = new Map<string, Set<string>>();
  for (const [index, entry] of hosts.entries()) {
    const at = check.at(index);
    at.refuse(sidecarHostFault(entry));
    const slash = entry.indexOf("/");
    if (slash === -1 || entry.startsWith("~")) continue;
    const namespace = entry.slice(0, slash) === "." ? check.object.namespace : entry.slice(0, slash);
    const host = entry.slice(slash + 1);
    const known = byNamespace.get(namespace) ?? new Set<string>();
    const covered = host === "*" ? known.size > 0 : known.has(host) || known.has("*");
    if (covered) at.warning(`${JSON.stringify(entry)} overlaps with another host`, "keep the wider one");
    known.add(host);
    byNamespace.set(namespace, known);
  }
  if (byNamespace.get("*")?.has("*") === true && byNamespace.size > 1) check.warning("*/* is everything: other hosts add nothing");
}

function checkOutboundPolicy(policy: SidecarSpec["outboundTrafficPolicy"], check: Check): void {
  const proxy = policy?.egressProxy;
  if (proxy === undefined) return;
  const at = check.at("egressProxy");
  if (policy?.mode !== "ALLOW_ANY") {
    at.error("takes calls of unknown hosts, which this mode refuses", "set mode: ALLOW_ANY");
    return;
  }
  at.at("host").refuse(domainFault(proxy.host));
  if (proxy.port === undefined) at.at("port").error("is required");
  else checkDestination(proxy, at);
}
