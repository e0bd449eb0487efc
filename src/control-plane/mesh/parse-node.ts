// The xDS node of a stream as the control plane's picture of a proxy. The node comes from outside: everything is checked, and
// what is wrong is said in one error, which refuses the stream.
import type { ProxyConfig } from "#api/mesh-config";
import { parseProxyConfig } from "./proxy-config.ts";
import { parseEndpoint } from "./inbound-ports.ts";
import type { AnnouncedIngress, InterceptionMode, ProxyNode, ProxyType } from "./proxy.ts";

/** envoy.config.core.v3.Node, its metadata in JSON form. */
export interface XdsNode {
  readonly id: string;
  readonly metadata: unknown;
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string } | undefined;
  /** Names and type URLs of what the proxy is built with. */
  readonly extensions?: readonly { readonly name: string; readonly typeUrls?: readonly string[] }[];
}

/** A node that does not say who it is. */
export class NodeError extends Error {
  override readonly name = "NodeError";
}

/** @throws NodeError naming everything that is wrong. */
export function parseNode(node: XdsNode): ProxyNode {
  const problems: string[] = [];
  const metadata = new Metadata(node.metadata, problems);
  const [type = "", address = "", workload = "", dnsDomain = "", ...rest] = node.id.split("~");
  if (rest.length > 0 || dnsDomain === "") {
    throw new NodeError(`node id ${JSON.stringify(node.id)} is not of the form type~address~name.namespace~domain`);
  }
  if (type !== "sidecar" && type !== "router") problems.push(`id: type ${JSON.stringify(type)} is not served (sidecar or router)`);
  const dot = workload.lastIndexOf(".");
  const name = metadata.text("NAME") ?? (dot > 0 ? workload.slice(0, dot) : workload);
  const namespace = metadata.text("NAMESPACE") ?? (dot > 0 ? workload.slice(dot + 1) : (dnsDomain.split(".")[0] ?? ""));
  if (name === "") problems.push("id: the workload's name is missing");
  if (namespace === "") problems.push("id: the workload's namespace is missing");
  const mode = metadata.text("INTERCEPTION_MODE") ?? "REDIRECT";
  if (mode !== "NONE" && mode !== "REDIRECT" && mode !== "TPROXY")
    problems.push(`metadata.INTERCEPTION_MODE: unknown mode ${JSON.stringify(mode)}`);
  const instanceIps = metadata.texts("INSTANCE_IPS");
  const bind = metadata.text("HTTP_PROXY_BIND");
  const port = metadata.port("HTTP_PROXY_PORT");
  if (bind !== undefined && port === undefined) problems.push("metadata.HTTP_PROXY_PORT: must be set together with HTTP_PROXY_BIND");
  const result: ProxyNode = {
    id: node.id,
    type: type as ProxyType,
    name,
    namespace,
    ipAddresses: instanceIps.length > 0 ? instanceIps : [address].filter((ip) => ip !== ""),
    dnsDomain,
    labels: metadata.labels("LABELS"),
    serviceAccount: metadata.text("SERVICE_ACCOUNT") ?? "",
    interceptionMode: mode as InterceptionMode,
    version: metadata.text("MIZZEN_VERSION") ?? metadata.text("ISTIO_VERSION") ?? "",
    announcedIngress: metadata.ingress("MIZZEN_INGRESS"),
    httpProxy: bind === undefined || port === undefined ? undefined : { bind, port },
    gatewayBindAddresses: metadata.texts("GATEWAY_BIND_ADDRESSES"),
    locality: localityOf(node.locality),
    network: metadata.text("NETWORK") ?? "",
    clusterId: metadata.text("CLUSTER_ID") ?? "",
    nodeName: metadata.text("NODE_NAME") ?? "",
    proxyConfig: metadata.proxyConfig("PROXY_CONFIG"),
    dnsCapture: metadata.flag("DNS_CAPTURE"),
    generator: metadata.text("GENERATOR") === "grpc" ? "grpc" : "",
    istioVersion: metadata.text("ISTIO_VERSION") ?? "",
    metadata: isRecord(node.metadata) ? node.metadata : {},
    extensions: new Set([
      ...metadata.texts("EXTENSIONS"),
      ...(node.extensions ?? []).flatMap((extension) => [extension.name, ...(extension.typeUrls ?? [])]),
    ]),
  };
  if (problems.length > 0) throw new NodeError(`node ${JSON.stringify(node.id)} is refused: ${problems.join("; ")}`);
  return result;
}

/** `region/zone/sub-zone`, without the parts at its end that are not known. */
function localityOf(locality: XdsNode["locality"]): string {
  return locality === undefined ? "" : [locality.region, locality.zone, locality.subZone].join("/").replace(/\/+$/u, "");
}

/** Reads metadata and gathers what is wrong with it. */
class Metadata {
  #fields: Readonly<Record<string, unknown>>;
  #problems: string[];

  constructor(metadata: unknown, problems: string[]) {
    this.#problems = problems;
    this.#fields = isRecord(metadata) ? metadata : {};
    if (metadata !== undefined && metadata !== null && !isRecord(metadata)) problems.push("metadata: not an object");
  }

  text(field: string): string | undefined {
    const value = this.#fields[field];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string") return value;
    this.#problems.push(`metadata.${field}: not a string`);
    return undefined;
  }

  /** A list, or a text with commas, which is how Istio's agent writes INSTANCE_IPS. */
  texts(field: string): readonly string[] {
    const value = this.#fields[field];
    if (value === undefined || value === null) return [];
    if (typeof value === "string")
      return value
        .split(",")
        .map((entry) => entry.trim())
        .filter((entry) => entry !== "");
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
    this.#problems.push(`metadata.${field}: not a list of strings`);
    return [];
  }

  /** Istio writes booleans as texts, too. */
  flag(field: string): boolean {
    const value = this.#fields[field];
    return value === true || value === "true" || value === "1";
  }

  proxyConfig(field: string): ProxyConfig | undefined {
    const value = this.#fields[field];
    if (value === undefined || value === null) return undefined;
    if (isRecord(value)) return parseProxyConfig(JSON.stringify(value));
    this.#problems.push(`metadata.${field}: not an object`);
    return undefined;
  }

  port(field: string): number | undefined {
    const value = this.#fields[field];
    if (value === undefined || value === null || value === "") return undefined;
    const number = typeof value === "string" ? Number(value) : value;
    if (isPort(number)) return number;
    this.#problems.push(`metadata.${field}: not a port`);
    return undefined;
  }

  labels(field: string): Readonly<Record<string, string>> {
    const value = this.#fields[field];
    if (value === undefined || value === null) return {};
    if (isRecord(value) && Object.values(value).every((entry) => typeof entry === "string"))
      return value as Readonly<Record<string, string>>;
    this.#problems.push(`metadata.${field}: not a map of strings`);
    return {};
  }

  ingress(field: string): readonly AnnouncedIngress[] {
    const value = this.#fields[field];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.#problems.push(`metadata.${field}: not a list`);
      return [];
    }
    const result: AnnouncedIngress[] = [];
    for (const [index, entry] of value.entries()) {
      const port: unknown = isRecord(entry) ? entry["port"] : undefined;
      if (!isRecord(entry) || !isRecord(port) || !isPort(port["number"])) {
        this.#problems.push(`metadata.${field}[${index}].port.number: not a port`);
        continue;
      }
      const { bind, defaultEndpoint } = entry;
      const { protocol, name } = port;
      if (typeof bind !== "string" || bind === "") this.#problems.push(`metadata.${field}[${index}].bind: missing`);
      else if (typeof defaultEndpoint !== "string" || parseEndpoint(defaultEndpoint) === undefined)
        this.#problems.push(`metadata.${field}[${index}].defaultEndpoint: not of the form address:port`);
      else
        result.push({
          port: {
            number: port["number"],
            protocol: typeof protocol === "string" ? protocol : "",
            name: typeof name === "string" ? name : "",
          },
          bind,
          defaultEndpoint,
        });
    }
    return result;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}
