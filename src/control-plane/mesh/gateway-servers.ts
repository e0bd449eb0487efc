// What a gateway proxy listens to: the servers of all Gateways that select it. A Service port that leads to the proxy is
// translated to the port behind it, which is how port 80 works without root.
import type { GatewaySpec, Server } from "#api/gateway";
import { keyOf, type ApiObject } from "#api/object";
import { keyText, type Finding } from "#api/finding";
import { parseProtocol } from "#control-plane/registry/protocol";
import { selects, type Labels } from "#control-plane/registry/labels";
import { isHttp, type Service } from "#control-plane/registry/service";
import type { GatewayServer } from "./mesh.ts";

const NO_TRANSLATION_LABEL = "experimental.istio.io/disable-gateway-port-translation";

export interface MergedGateways {
  /** Oldest Gateway first. */
  readonly servers: readonly GatewayServer[];
  /** Servers that lost their port to an older one. */
  readonly conflicts: readonly Finding[];
}

/** Istio selects Gateways of all namespaces; an empty selector selects every gateway proxy. */
export function selectGateways(gateways: readonly ApiObject<GatewaySpec>[], labels: Labels): readonly ApiObject<GatewaySpec>[] {
  return gateways.filter((gateway) => selects(gateway.spec.selector ?? {}, labels));
}

/** `gateways` select the proxy, oldest first; `services` select the proxy's workload. */
export function mergeGateways(gateways: readonly ApiObject<GatewaySpec>[], services: readonly Service[]): MergedGateways {
  const servers: GatewayServer[] = [];
  const conflicts: Finding[] = [];
  const owners = new Map<string, GatewayServer>();
  for (const gateway of gateways) {
    for (const [serverIndex, written] of (gateway.spec.servers ?? []).entries()) {
      const server = toGatewayServer(gateway, serverIndex, written, services);
      const place = `${server.bind}|${server.targetPort}`;
      const owner = owners.get(place);
      if (owner === undefined) {
        owners.set(place, server);
      } else if (!canShareAPort(owner, server)) {
        conflicts.push({
          level: "error",
          code: "MZ0007",
          message: `port ${server.portNumber} is used as ${owner.protocol} by ${keyText(keyOf(owner.gateway))}, so it cannot also serve ${server.protocol}`,
          object: keyOf(gateway),
          field: `spec.servers[${serverIndex}].port`,
          hint: "use another port or the same protocol",
        });
        continue;
      }
      servers.push(server);
    }
  }
  return { servers, conflicts };
}

function toGatewayServer(
  gateway: ApiObject<GatewaySpec>,
  serverIndex: number,
  written: Server,
  services: readonly Service[],
): GatewayServer {
  const { number, protocol } = written.port;
  return {
    gateway,
    serverIndex,
    portNumber: number,
    protocol,
    targetPort: translatePort(number, services),
    bind: written.bind ?? "",
    hosts: written.hosts,
    httpsRedirect: written.tls?.httpsRedirect ?? false,
    // On a plain HTTP port only httpsRedirect means something. The mode that is not written is proto's first: PASSTHROUGH.
    tlsMode: written.tls === undefined || isHttp(parseProtocol(protocol)) ? undefined : (written.tls.mode ?? "PASSTHROUGH"),
    tls: written.tls,
  };
}

/** The first Service that has the port decides, as in Istio. A port by name cannot be looked up here: then the number stays. */
function translatePort(number: number, services: readonly Service[]): number {
  for (const service of services) {
    if (service.labels[NO_TRANSLATION_LABEL] !== undefined) continue;
    const port = service.ports.find((candidate) => candidate.number === number);
    if (port !== undefined && typeof port.targetPort === "number") return port.targetPort;
  }
  return number;
}

/** Plain HTTP with plain HTTP (told apart by Host), TLS with TLS (by SNI); nothing else. */
function canShareAPort(a: GatewayServer, b: GatewayServer): boolean {
  const form = (server: GatewayServer): "http" | "tls" | "tcp" => {
    const protocol = parseProtocol(server.protocol);
    if (isHttp(protocol)) return "http";
    return protocol === "HTTPS" || protocol === "TLS" || server.tlsMode !== undefined ? "tls" : "tcp";
  };
  return form(a) === form(b) && form(a) !== "tcp";
}
