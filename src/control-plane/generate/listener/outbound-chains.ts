// The filter chains that one service port asks of an outbound listener.
import type { ProxyView, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import { hostsOverlap } from "#control-plane/mesh/host";
import type { Service } from "#control-plane/registry/service";
import { serviceCaches, unknownHostCaches } from "#control-plane/generate/cluster/dns-caches";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { outboundHttpFilter } from "#control-plane/generate/network-filter/outbound-http-filter";
import type { ChainPlan } from "./filter-chain.ts";
import { wildcardAddresses } from "./ip-families.ts";
import { statPrefix } from "./listener.ts";
import { listenerProtocol, PLAINTEXT_HTTP_ALPN } from "./listener-protocol.ts";
import { tcpChains } from "./tcp-chains.ts";
import { tlsChains } from "./tls-chains.ts";
import type { OutboundPort } from "./outbound-port.ts";

/** A service at a port, at the address where its calls arrive. */
export interface OutboundTarget {
  readonly service: Service;
  readonly port: OutboundPort;
  /** The listener's first address, or `unix:///path`. */
  readonly address: string;
  /** Networks among the service's addresses, which only a condition can tell apart. */
  readonly networks: readonly string[];
  readonly virtualServices: readonly ResolvedVirtualService[];
}

/** `detected`: only for connections that turn out to be HTTP. */
export function httpChain(target: OutboundTarget, detected: boolean, view: ProxyView): ChainPlan {
  const { port, address } = target;
  const filter = outboundHttpFilter(
    {
      statPrefix: statPrefix("outbound", address, port.number),
      routes: routeName(target, view),
      protocol: port.protocol,
      dnsCaches: [...serviceCaches(callable(target, view), view), ...unknownHostCaches(view)],
    },
    filterInputs(view),
  );
  const filters = [filter];
  return detected ? { filters, applicationProtocols: PLAINTEXT_HTTP_ALPN, transportProtocol: "raw_buffer" } : { filters };
}

/** A listener of one service of unknown protocol has routes of its own; all others share those of their port. */
function routeName({ service, port, address }: OutboundTarget, view: ProxyView): string {
  if (port.number === 0) return address;
  const isAlone = listenerProtocol(port.protocol) === "AUTO" && address !== wildcardAddresses(view.node)[0];
  return isAlone ? `${service.hostname}:${port.number}` : String(port.number);
}

const numbers = new WeakMap<Service, ReadonlySet<number>>();

function numbersOf(service: Service): ReadonlySet<number> {
  let known = numbers.get(service);
  if (known === undefined) numbers.set(service, (known = new Set(service.ports.map(({ number }) => number))));
  return known;
}

/** The services that share the routes. */
function callable({ service, port, address }: OutboundTarget, view: ProxyView): readonly Service[] {
  if (address !== wildcardAddresses(view.node)[0]) return [service];
  return port.number === 0 ? view.services : view.services.filter((candidate) => numbersOf(candidate).has(port.number));
}

/** Connections that are not HTTP: by the TLS and TCP routes of the VirtualServices for the service, else to the service. */
export function connectionChains(target: OutboundTarget, view: ProxyView): readonly ChainPlan[] {
  const { hostname } = target.service;
  const virtualServices = target.virtualServices.filter(({ hosts }) => hosts.some((host) => hostsOverlap(host, hostname)));
  const scoped = { ...target, virtualServices };
  return [...tlsChains(scoped, view), ...tcpChains(scoped, view)];
}
