// Which outbound listeners a sidecar needs, and which services share one. An entry is a listener's address, port and chains.
import type { EgressListener, ProxyView } from "#control-plane/mesh/mesh";
import { isHttp, type Protocol, type Service } from "#control-plane/registry/service";
import { conditionsKey, type ChainPlan } from "./filter-chain.ts";
import { isIpv6, loopbackAddresses, wildcardAddresses } from "./ip-families.ts";
import { isNetwork, listenAddresses } from "./listen-addresses.ts";
import { listenerProtocol } from "./listener-protocol.ts";
import { connectionChains, httpChain, type OutboundTarget } from "./outbound-chains.ts";
import { resolveConflict } from "./outbound-conflict.ts";
import { canListen, type Binding, type OutboundPort } from "./outbound-port.ts";
import { oldestFirst } from "./service-order.ts";

export interface OutboundEntry {
  readonly port: number;
  readonly binding: Binding;
  readonly chains: readonly ChainPlan[];
}

export function outboundEntries(view: ProxyView): readonly OutboundEntry[] {
  const table = new EntryTable(view);
  for (const listener of view.egressListeners) {
    if (isReplacedByHttpProxy(listener, view)) continue;
    const binding = bindingOf(listener, view);
    if (listener.port !== undefined) table.addPort(listener, listener.port, binding);
    else table.addServices(listener, binding);
  }
  return table.entries;
}

/**
 * Sidecars that announce a proxy port may share a host, where loopback listeners for each service port would collide: the proxy port takes
 * their place. It cannot take that of a port which a Sidecar names for other traffic than HTTP, or at an address of its own.
 */
function isReplacedByHttpProxy({ port, bind, captureMode }: EgressListener, { node }: ProxyView): boolean {
  if (node.httpProxy === undefined) return false;
  if (port === undefined) return true;
  if (bind === node.httpProxy.bind && port.number === node.httpProxy.port) return true;
  return bind === "" && captureMode !== "NONE" && isHttp(port.protocol);
}

function bindingOf({ bind, captureMode }: EgressListener, view: ProxyView): Binding {
  // A unix socket cannot be a destination of captured connections.
  const bindToPort = view.interceptionMode === "NONE" || captureMode === "NONE" || bind.startsWith("unix://");
  if (bind !== "") return { addresses: [bind], bindToPort };
  return { addresses: bindToPort ? loopbackAddresses(view.node) : [], bindToPort };
}

interface MutableEntry extends OutboundEntry {
  chains: ChainPlan[];
  readonly keys: Set<string>;
  protocol: Protocol;
  /** Made for a port that a Sidecar names: services that come to it from elsewhere are left out. */
  isClosed: boolean;
}

class EntryTable {
  readonly #view: ProxyView;
  readonly #entries = new Map<string, MutableEntry>();

  constructor(view: ProxyView) {
    this.#view = view;
  }

  get entries(): readonly OutboundEntry[] {
    return [...this.#entries.values()];
  }

  /** A listener at a port that a Sidecar names, for all of its services. */
  addPort(listener: EgressListener, port: OutboundPort, binding: Binding): void {
    if (!canListen(this.#view, binding, port)) return;
    for (const service of oldestFirst(listener.services)) this.#addService(service, port, binding, listener);
  }

  /** Listeners at the ports of the services, but for those that a Sidecar has named. */
  addServices(listener: EgressListener, binding: Binding): void {
    for (const entry of this.#entries.values()) entry.isClosed = true;
    for (const service of oldestFirst(listener.services)) {
      for (const port of service.ports) {
        if (!canListen(this.#view, binding, port)) continue;
        const instances = this.#instanceAddresses(service, port, binding);
        if (instances === undefined) this.#addService(service, port, binding, listener);
        else for (const address of instances) this.#addService(service, port, { ...binding, addresses: [address] }, listener);
      }
    }
  }

  /**
   * Of a service without an address of its own, whose callers choose an instance and connect to it: one listener an instance, so that they do
   * not claim the port at every address. HTTP needs none, because routes find the instance by the connection's destination.
   */
  #instanceAddresses(service: Service, port: OutboundPort, binding: Binding): readonly string[] | undefined {
    const view = this.#view;
    if (binding.addresses.length > 0 || service.resolution !== "NONE" || listenerProtocol(port.protocol) === "HTTP") return undefined;
    if (listenAddresses(service, view.node)[0]?.[0] !== wildcardAddresses(view.node)[0]) return undefined;
    const addresses = view.mesh.endpoints(service.hostname, port.number, service.namespace).map(({ address }) => address);
    // Without instances only a ServiceEntry that could never have any is at the wildcard; others will get theirs.
    if (addresses.length === 0 && service.source === "ServiceEntry" && service.selector === undefined) return undefined;
    const own = view.node.ipAddresses[0];
    return [...new Set(addresses)].filter((address) => isIpAddress(address) && address !== own);
  }

  #addService(service: Service, port: OutboundPort, binding: Binding, listener: EgressListener): void {
    if (service.resolution === "ALIAS") return;
    const { virtualServices } = listener;
    for (const { addresses, networks } of this.#places(service, port, binding)) {
      const [address = ""] = addresses;
      this.#add({ service, port, address, networks, virtualServices }, { ...binding, addresses });
    }
  }

  #places(
    service: Service,
    port: OutboundPort,
    binding: Binding,
  ): readonly { addresses: readonly string[]; networks: readonly string[] }[] {
    if (binding.addresses.length > 0) return [{ addresses: binding.addresses, networks: [] }];
    const wildcard = wildcardAddresses(this.#view.node);
    if (listenerProtocol(port.protocol) === "HTTP") return [{ addresses: wildcard, networks: [] }];
    return listenAddresses(service, this.#view.node).map((addresses) =>
      isNetwork(addresses[0]) ? { addresses: wildcard, networks: addresses } : { addresses, networks: [] },
    );
  }

  #add(target: OutboundTarget, binding: Binding): void {
    const kind = listenerProtocol(target.port.protocol);
    if (kind === undefined) return;
    const key = `${target.address}_${target.port.number}`;
    const existing = this.#entries.get(key);
    if (existing?.isClosed === true) return;
    const resolution = existing === undefined ? "replace" : resolveConflict(target.port.protocol, existing.protocol);
    if (resolution === "keep") return;
    // A port for HTTP proxy requests, which only a Sidecar declares, is nothing else, even at the wildcard.
    const atWildcard = target.port.protocol !== "HTTP_PROXY" && target.address === wildcardAddresses(this.#view.node)[0];
    const chains = this.#chains(target, kind === "AUTO" || atWildcard);
    if (existing === undefined || resolution === "replace") {
      // At the wildcard HTTP is detected, too, so that other traffic of the port passes.
      const protocol = kind === "HTTP" && atWildcard ? "AUTO" : target.port.protocol;
      const keys = new Set(chains.map(conditionsKey));
      this.#entries.set(key, { port: target.port.number, binding, chains: [...chains], keys, protocol, isClosed: false });
      return;
    }
    for (const chain of chains) {
      const conditions = conditionsKey(chain);
      if (existing.keys.has(conditions)) continue;
      existing.keys.add(conditions);
      existing.chains.push(chain);
    }
    if (resolution === "detect") existing.protocol = "AUTO";
  }

  #chains(target: OutboundTarget, detected: boolean): readonly ChainPlan[] {
    switch (listenerProtocol(target.port.protocol)) {
      case "HTTP":
        return [httpChain(target, detected, this.#view)];
      case "TCP":
        return connectionChains(target, this.#view);
      case "AUTO":
        return [...connectionChains(target, this.#view), httpChain(target, true, this.#view)];
      case undefined:
        return [];
    }
  }
}

function isIpAddress(address: string): boolean {
  return isIpv6(address) || /^\d{1,3}(\.\d{1,3}){3}$/u.test(address);
}
