// Which IP families a proxy has, by its own addresses, and the addresses that follow from them.
import type { ProxyNode } from "#control-plane/mesh/proxy";

const WILDCARD_V4 = "0.0.0.0";
const WILDCARD_V6 = "::";

type Addressed = Pick<ProxyNode, "ipAddresses">;

export function isIpv6(address: string): boolean {
  return address.includes(":");
}

/** A proxy that says nothing of itself counts as IPv4. */
export function hasIpv4(node: Addressed): boolean {
  return node.ipAddresses.some((address) => !isIpv6(address)) || node.ipAddresses.length === 0;
}

export function hasIpv6(node: Addressed): boolean {
  return node.ipAddresses.some(isIpv6);
}

/** The first is the one that names of listeners bear. */
export function wildcardAddresses(node: Addressed): readonly [string, ...string[]] {
  if (!hasIpv4(node)) return [WILDCARD_V6];
  return hasIpv6(node) ? [WILDCARD_V4, WILDCARD_V6] : [WILDCARD_V4];
}

export function loopbackAddresses(node: Addressed): readonly [string, ...string[]] {
  if (!hasIpv4(node)) return ["::1"];
  return hasIpv6(node) ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
}
