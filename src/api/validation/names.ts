// Rules for names, hosts and addresses. Each function returns what is wrong, or undefined. The rules are Istio's, which are looser
// than RFC 1123 in places (upper case, one-label domains).
import { isIP } from "node:net";

const dnsLabel = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/u;
const wildcardLabel = /^(?:\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/u;
const objectName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/u;
const labelName = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/u;

const maxLabelLength = 63;

export function isDnsLabel(text: string): boolean {
  return text.length <= maxLabelLength && dnsLabel.test(text);
}

export function objectNameFault(name: string): string | undefined {
  if (name.length > 253) return "must have at most 253 characters";
  return objectName.test(name) ? undefined : `${JSON.stringify(name)} must be lower-case letters, digits, - and .`;
}

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

function lengthFault(domain: string): string | undefined {
  if (domain === "") return "a host must not be empty";
  return domain.length > 255 ? "a host has at most 255 characters" : undefined;
}

function labelsFault(domain: string): string | undefined {
  const labels = domain.split(".");
  const last = labels.at(-1) ?? "";
  if (/^[-+]?\d+$/u.test(last)) return `${JSON.stringify(domain)} is no host: its last label must not be a number`;
  for (const [index, label] of labels.entries()) {
    // A dot at the end marks a full name.
    if (label === "" && index === labels.length - 1) return undefined;
    if (!isDnsLabel(label)) return `${JSON.stringify(domain)} is no host: ${JSON.stringify(label)} is no DNS label`;
  }
  return undefined;
}

/** A full or short name without a wildcard. */
export function domainFault(domain: string): string | undefined {
  return lengthFault(domain) ?? labelsFault(domain);
}

/** Also `*` and `*.example.com`. */
export function wildcardDomainFault(domain: string): string | undefined {
  const fault = lengthFault(domain);
  if (fault !== undefined) return fault;
  const dot = domain.indexOf(".");
  const first = dot === -1 ? domain : domain.slice(0, dot);
  if (first.length > maxLabelLength || !wildcardLabel.test(first)) {
    return `${JSON.stringify(domain)} is no host: ${JSON.stringify(first)} is no DNS label`;
  }
  return dot === -1 ? undefined : labelsFault(domain.slice(dot + 1));
}

/** A host of a Gateway's server: `host` or `namespace/host`. */
export function gatewayHostFault(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) return gatewayHostPartFault(text);
  const namespace = text.slice(0, slash);
  const host = text.slice(slash + 1);
  if (namespace === "" || host === "") return `${JSON.stringify(text)} needs a namespace and a host around the slash`;
  if (namespace !== "*" && namespace !== "." && !isDnsLabel(namespace)) return `${JSON.stringify(namespace)} is no namespace`;
  return gatewayHostPartFault(host);
}

function gatewayHostPartFault(host: string): string | undefined {
  if (host !== "*" && !host.includes(".") && !isIpAddress(host))
    return `${JSON.stringify(host)} is a short name; a Gateway needs full names`;
  const fault = wildcardDomainFault(host);
  if (fault !== undefined && !isIpAddress(host)) return fault;
  if (host.includes("*") && host !== "*" && !host.startsWith("*.")) return `${JSON.stringify(host)}: a wildcard stands for whole labels`;
  return undefined;
}

/** A wildcard stands for whole labels: `*.example.com`, not `*-a.example.com`. */
export function partialWildcardFault(host: string): string | undefined {
  if (!host.includes("*") || host.length === 1 || host.startsWith("*.")) return undefined;
  return `${JSON.stringify(host)}: a wildcard stands for whole labels`;
}

/** A host of a Sidecar's egress: `namespace/host`; `~` before the namespace leaves it out. */
export function sidecarHostFault(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) return `${JSON.stringify(text)} must be namespace/host`;
  const namespace = text.slice(0, slash);
  const host = text.slice(slash + 1);
  if (namespace === "" || host === "") return `${JSON.stringify(text)} needs a namespace and a host around the slash`;
  const name = namespace.startsWith("~") ? namespace.slice(1) : namespace;
  if (name !== "" && name !== "*" && name !== "." && !isDnsLabel(name)) return `${JSON.stringify(namespace)} is no namespace`;
  if (host !== "*" && !host.includes(".")) return `${JSON.stringify(host)} is a short name; a Sidecar needs full names`;
  return wildcardDomainFault(host) ?? partialWildcardFault(host);
}

/** `host:port`, `address:port` or `[IPv6 address]:port`. */
export function hostPortFault(text: string): string | undefined {
  const split = splitHostPort(text);
  if (split === undefined) return `${JSON.stringify(text)} must be host:port`;
  const { host, port } = split;
  if (!/^[-+]?\d+$/u.test(port)) return `${JSON.stringify(port)} is no port`;
  const fault = portFault(Number(port));
  if (fault !== undefined) return fault;
  return domainFault(host) !== undefined && !isIpAddress(host) ? `${JSON.stringify(host)} is neither a host nor an IP address` : undefined;
}

/** An IPv6 address stands in brackets. Undefined when there is no port. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/u.exec(text);
  return parts === null ? undefined : { host: parts[1] ?? parts[2] ?? "", port: parts[3] ?? "" };
}

export function portFault(port: number): string | undefined {
  return port >= 1 && port <= 65535 ? undefined : `a port is between 1 and 65535, is ${port}`;
}

export function subnetFault(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) return isIpAddress(text) ? undefined : `${JSON.stringify(text)} is neither an IP address nor a network`;
  const version = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  const valid = version !== 0 && /^\d{1,3}$/u.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
  return valid ? undefined : `${JSON.stringify(text)} is no network in CIDR notation`;
}

export function unixPathFault(path: string): string | undefined {
  if (path === "") return "a unix socket needs a path";
  // @ begins the name of an abstract socket.
  if (path.startsWith("@") || (path.startsWith("/") && !path.endsWith("/"))) return undefined;
  return `${JSON.stringify(path)} is no absolute path of a file`;
}

export function labelKeyFault(key: string): string | undefined {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  const prefixOk = prefix === undefined || (prefix.length <= 253 && prefix.split(".").every((label) => dnsLabel.test(label)));
  return prefixOk && name.length <= maxLabelLength && labelName.test(name) ? undefined : `${JSON.stringify(key)} is no label name`;
}

export function labelValueFault(value: string): string | undefined {
  return value === "" || labelName.test(value) ? undefined : `${JSON.stringify(value)} is no label value`;
}

export const unixPrefix = "unix://";
