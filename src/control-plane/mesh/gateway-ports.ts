// Which servers can stand side by side on a port of a gateway proxy, in the order in which Istio's merging takes them: plain HTTP with
// plain HTTP (told apart by Host), TLS with TLS (by server name), anything on different addresses.
import { parseProtocol } from "#control-plane/registry/protocol";
import { isHttp } from "#control-plane/registry/service";
import type { GatewayServer } from "./mesh.ts";

export interface PortConflict {
  /** Who has the port, or the hosts. */
  readonly owner: GatewayServer;
  /** Server names that both want; empty when it is about the protocol. */
  readonly hosts: readonly string[];
}

interface PortState {
  /** The first server of the port. */
  readonly first: GatewayServer;
  /** Addresses of servers after the first, where the first is a TLS server. */
  readonly binds: Set<string>;
}

interface HostOwner {
  readonly bind: string;
  readonly server: GatewayServer;
}

export class GatewayPorts {
  readonly #ports = new Map<number, PortState>();
  readonly #tlsHosts = new Map<number, Map<string, HostOwner>>();
  readonly #routeNames = new Map<string, GatewayServer>();

  /** undefined: the server has its place. */
  add(server: GatewayServer): PortConflict | undefined {
    if (server.tls !== undefined) {
      const duplicate = this.#claimHosts(server);
      if (duplicate !== undefined) return duplicate;
    }
    const state = this.#ports.get(server.targetPort);
    if (state === undefined) {
      this.#ports.set(server.targetPort, { first: server, binds: new Set() });
    } else if (!isTls(state.first)) {
      const sameBind = state.first.bind === server.bind;
      if (sameBind && (!canShare(server, state.first) || server.routeName === "")) return { owner: state.first, hosts: [] };
    } else {
      const owner = readsHttp(server) ? this.#routeNames.get(server.routeName) : undefined;
      if (owner !== undefined) return { owner, hosts: [] };
      const newBind = !state.binds.has(server.bind);
      state.binds.add(server.bind);
      if (server.tls === undefined && !newBind) return { owner: state.first, hosts: [] };
    }
    if (server.routeName !== "" && !this.#routeNames.has(server.routeName)) this.#routeNames.set(server.routeName, server);
    return undefined;
  }

  /** Two filter chains of a listener must not match the same server name: Envoy would refuse the whole listener. */
  #claimHosts(server: GatewayServer): PortConflict | undefined {
    let owners = this.#tlsHosts.get(server.targetPort);
    if (owners === undefined) this.#tlsHosts.set(server.targetPort, (owners = new Map()));
    // A server name has no namespace. istiod compares hosts with it, and sends a listener that no Envoy takes.
    const names = isTls(server) ? server.hosts.map((host) => host.slice(host.indexOf("/") + 1)) : server.hosts;
    const taken = names.filter((name) => owners.get(name)?.bind === server.bind);
    const owner = owners.get(taken[0] ?? "")?.server;
    if (owner !== undefined) return { owner, hosts: taken };
    for (const name of names) owners.set(name, { bind: server.bind, server });
    return undefined;
  }
}

/** It has settings for TLS and does not speak plain HTTP. */
function isTls(server: GatewayServer): boolean {
  return server.tlsMode !== undefined;
}

function readsHttp(server: GatewayServer): boolean {
  return isHttp(parseProtocol(server.protocol)) || (server.routeName !== "" && server.tls !== undefined);
}

function canShare(server: GatewayServer, first: GatewayServer): boolean {
  const protocol = parseProtocol(server.protocol);
  const current = parseProtocol(first.protocol);
  return isHttp(current) && (isHttp(protocol) || protocol === current);
}
