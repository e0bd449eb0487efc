// What route configurations of sidecars depend on of the proxy that asks: proxies of one key share them.
import type { ProxyView } from "#control-plane/mesh/mesh";
import { virtualHostSettings } from "./route-configuration.ts";
import { callerOf } from "./route-context.ts";

/** Its namespace and labels decide what it sees, and which rules are for it; its addresses and its DNS, what services are called. */
export function callerKey(view: ProxyView): string {
  const { node } = view;
  const { namespace, labels, proxyless } = callerOf(node);
  return JSON.stringify([
    namespace,
    node.dnsDomain,
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
    proxyless,
    node.ipAddresses.some((address) => !address.includes(":")),
    node.ipAddresses.some((address) => address.includes(":")),
    node.dnsCapture,
    node.httpProxy !== undefined,
    virtualHostSettings(view.proxyConfig),
  ]);
}
