// Listeners of sidecars where nothing captures traffic (interception mode NONE): inbound ports with sockets of their own, and for
// outbound calls the HTTP proxy port or, where a node announces none, one loopback listener per service port.
import { create } from "@bufbuild/protobuf";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { InboundPort, ProxyView } from "#control-plane/mesh/mesh";
import { isHttp, type Service, type ServicePort } from "#control-plane/registry/service";
import { inboundClusterName, outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import {
  connectionManagerFilter,
  httpProxyConnectionManager,
  inboundConnectionManager,
  outboundConnectionManager,
} from "#control-plane/generate/network-filter/connection-manager";
import { durationOf } from "#control-plane/generate/duration";
import { proxyTo, tcpFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { listener, statPrefix } from "./listener.ts";
import { routeMatch } from "#control-plane/generate/route/route-match";
import { HTTP_PROXY_ROUTES } from "#control-plane/generate/route/sidecar-routes";

const LOOPBACK = "127.0.0.1";

export function sidecarListeners(view: ProxyView): readonly Listener[] {
  const outbound = httpProxyOf(view) === undefined ? [] : [httpProxyListener(view)];
  // Several sidecars may share a host: loopback listeners for each service port would collide, so the proxy port replaces them.
  const perPort = view.node.httpProxy === undefined ? servicePortListeners(view) : [];
  return [...outbound, ...perPort, ...servedInboundPorts(view).map((port) => inboundListener(port, view))];
}

/** Where the HTTP proxy listener goes: what the node announces, else MeshConfig's proxyHttpPort on loopback. */
function httpProxyOf(view: ProxyView): { readonly bind: string; readonly port: number } | undefined {
  if (view.node.httpProxy !== undefined) return view.node.httpProxy;
  const port = view.mesh.config.proxyHttpPort ?? 0;
  return port > 0 ? { bind: LOOPBACK, port } : undefined;
}

/** Inbound ports that have a socket of their own and know where the application listens. The first of two on one address wins. */
function servedInboundPorts(view: ProxyView): readonly InboundPort[] {
  const seen = new Set<string>();
  return view.inboundPorts.filter((port) => {
    const key = `${port.bind}_${port.targetPort}`;
    if (!port.bindToPort || port.defaultEndpoint === undefined || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function httpProxyListener(view: ProxyView): Listener {
  const { bind, port } = httpProxyOf(view) ?? { bind: LOOPBACK, port: 0 };
  const chain = { statPrefix: statPrefix("outbound", bind, port), routes: HTTP_PROXY_ROUTES, protocol: "HTTP" } as const;
  const manager = httpProxyConnectionManager(chain, filterInputs(view));
  return listener({ name: `${bind}_${port}`, addresses: [bind], port, direction: "outbound", filters: [connectionManagerFilter(manager)] });
}

function servicePortListeners(view: ProxyView): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const [port, owner] of loopbackPorts(view)) {
    const { protocol } = owner.port;
    const cluster = outboundClusterName(port, "", owner.service.hostname);
    const chain = { statPrefix: statPrefix("outbound", LOOPBACK, port), routes: String(port), protocol };
    const filters = isHttp(protocol)
      ? [connectionManagerFilter(outboundConnectionManager(chain, filterInputs(view)))]
      : tcpFilters({ class: "sidecar-outbound", protocol, proxy: proxyTo(cluster) }, filterInputs(view));
    listeners.push(listener({ name: `${LOOPBACK}_${port}`, addresses: [LOOPBACK], port, direction: "outbound", filters }));
  }
  return listeners;
}

interface PortOwner {
  readonly service: Service;
  readonly port: ServicePort;
}

/**
 * Who decides about a loopback port that several services have: HTTP shares one listener by name, TCP cannot, so the first
 * service (the list is sorted) keeps it, and HTTP stands above TCP.
 * A port of unknown protocol would need protocol detection and has no listener yet.
 */
function loopbackPorts(view: ProxyView): ReadonlyMap<number, PortOwner> {
  const owners = new Map<number, PortOwner>();
  for (const service of view.services) {
    for (const port of service.ports) {
      if (port.protocol === "UDP" || port.protocol === "AUTO") continue;
      const owner = owners.get(port.number);
      if (owner === undefined || (isHttp(port.protocol) && !isHttp(owner.port.protocol))) owners.set(port.number, { service, port });
    }
  }
  return new Map([...owners].sort(([a], [b]) => a - b));
}

function inboundListener(port: InboundPort, view: ProxyView): Listener {
  const cluster = inboundClusterName(port.targetPort);
  const { protocol } = port.port;
  const name = `${port.bind}_${port.targetPort}`;
  const chain = { statPrefix: statPrefix("inbound", port.bind, port.targetPort), routes: inboundRoutes(port, view), protocol };
  const filters = isHttp(protocol)
    ? [connectionManagerFilter(inboundConnectionManager(chain, filterInputs(view)))]
    : tcpFilters({ class: "sidecar-inbound", protocol, proxy: proxyTo(cluster) }, filterInputs(view));
  return listener({ name, addresses: [port.bind], port: port.targetPort, direction: "inbound", filters, chainName: name });
}

function inboundRoutes(port: InboundPort, view: ProxyView): RouteConfiguration {
  const cluster = inboundClusterName(port.targetPort);
  const host = port.service?.hostname ?? `${view.node.name}.${view.node.namespace}`;
  const route = create(RouteSchema, {
    name: "default",
    match: routeMatch(undefined, "characters"),
    decorator: { operation: `${host}:${port.port.number}/*` },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: cluster },
        timeout: durationOf(0),
        maxStreamDuration: { maxStreamDuration: durationOf(0), grpcTimeoutHeaderMax: durationOf(0) },
        // Safe for every method: the application has not seen a byte of the request.
        retryPolicy: { retryOn: "reset-before-request", numRetries: 2 },
      },
    },
  });
  return create(RouteConfigurationSchema, {
    name: cluster,
    validateClusters: false,
    virtualHosts: [{ name: `inbound|http|${port.port.number}`, domains: ["*"], routes: [route] }],
  });
}
