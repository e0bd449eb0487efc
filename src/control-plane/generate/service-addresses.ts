// The virtual addresses under which one proxy knows a service.
import type { ProxyNode } from "#control-plane/mesh/proxy";
import type { Service } from "#control-plane/registry/service";

const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

function isIPv6(address: string): boolean {
  return address.includes(":");
}

/**
 * Of one family, the first that the proxy has: as istiod without its dual-stack switch. Networks (10.0.0.0/8) are among them. Addresses
 * that the mesh made up count only for proxies that answer their application's DNS. A service of a family that the proxy lacks keeps its first address.
 */
export function serviceAddresses(service: Service, node: Pick<ProxyNode, "ipAddresses" | "dnsCapture">): readonly string[] {
  const declared = service.addresses.length > 0 ? service.addresses : node.dnsCapture ? service.autoAllocatedAddresses : [];
  const [first] = declared;
  if (first === undefined) return [];
  const four = declared.filter((address) => !isIPv6(address));
  const six = declared.filter(isIPv6);
  const hasFour = node.ipAddresses.length === 0 || node.ipAddresses.some((address) => !isIPv6(address));
  const hasSix = node.ipAddresses.some(isIPv6);
  const usable = hasFour && hasSix ? (isIPv6(first) ? six : four) : hasFour ? four : six;
  return (usable.length > 0 ? usable : [first]).filter((address) => !UNSPECIFIED.has(address));
}
