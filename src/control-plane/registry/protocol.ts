// Which protocol a service port speaks, as Istio selects it: appProtocol, else the port name's prefix up to a hyphen, else the
// well-known ports that are never HTTP, else AUTO (to be found out from the first bytes).
import type { Protocol } from "./service.ts";

const PROTOCOLS = new Map<string, Protocol>([
  ["tcp", "TCP"],
  ["udp", "UDP"],
  ["http", "HTTP"],
  ["http_proxy", "HTTP_PROXY"],
  ["http2", "HTTP2"],
  ["grpc", "GRPC"],
  ["grpc-web", "GRPC-WEB"],
  ["https", "HTTPS"],
  ["tls", "TLS"],
  ["mongo", "MONGO"],
  ["redis", "REDIS"],
  ["mysql", "MYSQL"],
]);

/** Kubernetes' standard names; only valid as appProtocol. */
const KUBERNETES_APP_PROTOCOLS = new Map<string, Protocol>([
  ["kubernetes.io/h2c", "HTTP2"],
  ["kubernetes.io/ws", "HTTP"],
  ["kubernetes.io/wss", "HTTPS"],
]);

/** SMTP, DNS, MySQL, MongoDB: the server speaks first, or never HTTP, so waiting for bytes would hang. */
const WELL_KNOWN_TCP_PORTS = new Set([25, 53, 3306, 27017]);

/** A protocol by its name in any case; AUTO when there is none of that name. */
export function parseProtocol(name: string): Protocol {
  return PROTOCOLS.get(name.toLowerCase()) ?? "AUTO";
}

export interface ProtocolHints {
  readonly port: number;
  readonly name: string;
  readonly appProtocol?: string | undefined;
  readonly transport?: "TCP" | "UDP" | "SCTP" | undefined;
}

export function selectProtocol(hints: ProtocolHints): Protocol {
  if (hints.transport === "UDP") return "UDP";
  if (hints.appProtocol !== undefined) {
    const standard = KUBERNETES_APP_PROTOCOLS.get(hints.appProtocol);
    if (standard !== undefined) return standard;
  }
  const name = (hints.appProtocol ?? hints.name).toLowerCase();
  // Before the general rule, because this name holds the hyphen that ends a prefix.
  if (name.startsWith("grpc-web")) return "GRPC-WEB";
  const hyphen = name.indexOf("-");
  const protocol = parseProtocol(hyphen < 0 ? name : name.slice(0, hyphen));
  return protocol === "AUTO" && WELL_KNOWN_TCP_PORTS.has(hints.port) ? "TCP" : protocol;
}
