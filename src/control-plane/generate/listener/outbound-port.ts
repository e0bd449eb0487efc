// What the ports of sidecars' outbound listeners have in common: their address, and which ones a proxy must not take.
import type { ProxyView } from "#control-plane/mesh/mesh";
import { isHttp, type Protocol } from "#control-plane/registry/service";
import { wildcardAddresses } from "./ip-families.ts";

export interface OutboundPort {
  /** 0 at a unix socket. */
  readonly number: number;
  readonly protocol: Protocol;
}

export interface Binding {
  /** The first names the listener. Empty: the addresses of the service. */
  readonly addresses: readonly string[];
  /** Whether it has a socket of its own; otherwise captured connections are handed to it by their destination. */
  readonly bindToPort: boolean;
}

/** Ports that a proxy's own listeners have, and those below 1024 for a proxy without the right to open them. */
export function canListen(view: ProxyView, binding: Binding, port: OutboundPort): boolean {
  if (binding.bindToPort && port.number > 0 && port.number < 1024 && isUnprivileged(view)) return false;
  const address = binding.addresses[0];
  // Without an address HTTP goes to the wildcard, everything else to an address of the service.
  const atWildcard = address === undefined ? isHttp(port.protocol) : address === wildcardAddresses(view.node)[0];
  return !atWildcard || !reservedPorts(view).includes(port.number);
}

function isUnprivileged(view: ProxyView): boolean {
  const value = view.node.metadata["UNPRIVILEGED_POD"];
  return value === true || value === "true";
}

function reservedPorts(view: ProxyView): readonly number[] {
  const { config } = view.mesh;
  return [...agentPorts(view), config.proxyListenPort ?? 0, config.proxyInboundListenPort ?? 0];
}

/** Where the proxy's bootstrap listens: health and statistics. */
export function agentPorts(view: ProxyView): readonly number[] {
  return ["ENVOY_STATUS_PORT", "ENVOY_PROMETHEUS_PORT"].map((name) => Number(view.node.metadata[name] ?? 0));
}
