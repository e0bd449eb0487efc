// Where calls of a service arrive: its virtual addresses as one proxy sees them.
import type { ProxyNode } from "#control-plane/mesh/proxy";
import type { Service } from "#control-plane/registry/service";
import { hasIpv4, hasIpv6, isIpv6, wildcardAddresses } from "./ip-families.ts";

type Caller = Pick<ProxyNode, "ipAddresses" | "dnsCapture">;

/**
 * One entry a listener: its addresses, the first of which names it; or a network, `10.0.0.0/8`, which a listener cannot bind. A service
 * without addresses is at the wildcard.
 */
export function listenAddresses(service: Service, caller: Caller): readonly (readonly [string, ...string[]])[] {
  if (service.addresses.length > 0) {
    // istiod makes a service of each address of a ServiceEntry, and takes one family of a Kubernetes Service.
    if (service.source === "ServiceEntry") return service.addresses.map((address) => [withoutFullMask(address)]);
    return asOne(ofFirstFamily(service.addresses, caller));
  }
  const allocated = caller.dnsCapture ? ofFirstFamily(service.autoAllocatedAddresses, caller) : [];
  if (allocated.length > 0) return asOne(allocated);
  // A host of a ServiceEntry may turn out to have addresses of any family.
  return service.source === "ServiceEntry" ? [wildcardAddresses(caller)] : [["0.0.0.0"]];
}

export function isNetwork(address: string): boolean {
  return address.includes("/");
}

function asOne([first, ...more]: readonly string[]): readonly (readonly [string, ...string[]])[] {
  return first === undefined ? [] : [[first, ...more]];
}

/** Addresses that the caller can use, of the family of the first one where it can use both. All of them when it can use none. */
function ofFirstFamily(addresses: readonly string[], caller: Caller): readonly string[] {
  const v4 = addresses.filter((address) => !isIpv6(address));
  const v6 = addresses.filter(isIpv6);
  const usable = [hasIpv4(caller) ? v4 : [], hasIpv6(caller) ? v6 : []];
  if (isIpv6(addresses[0] ?? "")) usable.reverse();
  return usable.find((family) => family.length > 0) ?? addresses.slice(0, 1);
}

/** `10.0.0.1/32` is an address: a listener of its own spares the others when it changes. */
function withoutFullMask(address: string): string {
  return address.endsWith(isIpv6(address) ? "/128" : "/32") ? address.slice(0, address.indexOf("/")) : address;
}
