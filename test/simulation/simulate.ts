// The way of one call through a proxy's configuration: listener by original destination, listener filters, filter chain, route
// configuration, virtual host, route, cluster. Nothing is sent; every decision is the proxy's own code.
import type { FilterChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { VirtualHost_TlsRequirementType as RequireTls } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { checkRoute } from "#proxy/route/router-check";
import type { Call, CallError, CallResult } from "./call.ts";
import { endOf, wantsClientCertificate, runsOnPort, type ProxyConfiguration, type SimulatedListener } from "./proxy-configuration.ts";

const TLS_INSPECTOR = "envoy.filters.listener.tls_inspector";
const HTTP_INSPECTOR = "envoy.filters.listener.http_inspector";
const VIRTUAL_INBOUND = "virtualInbound";
const VIRTUAL_OUTBOUND = "virtualOutbound";
/** Where calls go that name no address, and come from: nobody listens there. */
const SOME_ADDRESS = "1.3.3.7";
const CLIENT = { address: "10.3.3.7", port: 40_000 };

const MESH_ALPN = { http: "istio-http/1.1", http2: "istio-h2", tcp: "istio" } as const;
const TLS_ALPN = { http: "http/1.1", http2: "h2", tcp: undefined } as const;
const INSPECTED = { http: "http/1.1", http2: "h2c", tcp: undefined } as const;

export function simulate(configuration: ProxyConfiguration, call: Call): CallResult {
  // Who names a server says it in a ClientHello.
  const tls = call.tls ?? (call.sni === undefined ? "plaintext" : "tls");
  const protocol = call.protocol ?? "tcp";
  let reached: Omit<CallResult, "error"> = {
    listenerMatched: "",
    filterChainMatched: "",
    routeMatched: "",
    routeConfigMatched: "",
    virtualHostMatched: "",
    clusterMatched: "",
  };
  const ends = (error: CallError | ""): CallResult => ({ ...reached, error });

  const listener = listenerOf(configuration, call);
  if (listener === undefined) return ends("no listener matched");
  reached = { ...reached, listenerMatched: listener.wire.name };

  const chain = chainOf(listener, call, tls, protocol);
  if (chain === undefined) return ends("no filter chains matched");
  reached = { ...reached, filterChainMatched: chain.name };
  if (chain.transportSocket !== undefined && tls === "plaintext") return ends("invalid TLS");
  if (chain.transportSocket !== undefined && wantsClientCertificate(chain) !== (tls === "mtls")) return ends("invalid mTLS");

  const end = endOf(chain);
  if (end.kind === "nothing") return ends("");
  if (end.kind === "tcp") {
    reached = { ...reached, clusterMatched: end.cluster };
    return ends("");
  }
  // HTTP is read of what nobody decrypted, or of what is none.
  if ((tls !== "plaintext" && chain.transportSocket === undefined) || protocol === "tcp") return ends("protocol error");

  reached = { ...reached, routeConfigMatched: end.fetchedRoutes };
  const config = end.inlineRoutes ?? configuration.routeConfiguration(end.fetchedRoutes);
  if (config === undefined) throw new Error(`listener ${listener.wire.name} asks for routes "${end.fetchedRoutes}", which are not there`);
  const { virtualHosts, table } = configuration.compiled(config);
  const virtualHost = virtualHosts.find(call.hostHeader ?? "");
  if (virtualHost === undefined) return ends("no virtual host matched");
  reached = { ...reached, virtualHostMatched: virtualHost.name };
  if (virtualHost.requireTls === RequireTls.ALL && tls === "plaintext") return ends("tls required, sending 301");

  const scheme = tls === "plaintext" ? "http" : "https";
  const line = { method: "GET", path: call.path ?? "/", authority: call.hostHeader ?? "", scheme, upgrade: undefined };
  const route = checkRoute(table, {
    headers: new PairRequestHeaderMap(line, []),
    response: new PairResponseHeaderMap(200, []),
    info: new StreamRecord(0, 0, {
      local: { address: SOME_ADDRESS, port: call.port },
      remote: CLIENT,
      directRemote: CLIENT,
      requestedServerName: undefined,
      tls: undefined,
    }),
    randomValue: 0,
    tls: tls !== "plaintext",
  });
  if (route === undefined) return ends("no route matched");
  reached = { ...reached, routeMatched: route.routeName, clusterMatched: route.cluster };
  return ends("");
}

/** As iptables and the original destination lead it: the listener of the address, of the port, the one that takes the rest. */
function listenerOf({ listeners }: ProxyConfiguration, call: Call): SimulatedListener | undefined {
  const named = (name: string): SimulatedListener | undefined => listeners.find(({ wire }) => wire.name === name);
  if (call.callMode === "inbound") return named(VIRTUAL_INBOUND);
  const bound = (address: string): SimulatedListener | undefined =>
    listeners.find(({ wire }) =>
      [wire.address, ...wire.additionalAddresses.map((additional) => additional.address)].some((one) => {
        const socket = one?.address.case === "socketAddress" ? one.address.value : undefined;
        return socket?.address === address && socket.portSpecifier.value === call.port;
      }),
    );
  return bound(call.address ?? SOME_ADDRESS) ?? bound("0.0.0.0") ?? named(VIRTUAL_OUTBOUND);
}

function chainOf(
  { wire, chains, matcher }: SimulatedListener,
  call: Call,
  tls: "plaintext" | "tls" | "mtls",
  protocol: "http" | "http2" | "tcp",
): FilterChain | undefined {
  const readsTls = runsOnPort(wire, TLS_INSPECTOR, call.port) && tls !== "plaintext";
  const readsHttp = runsOnPort(wire, HTTP_INSPECTOR, call.port) && tls === "plaintext";
  const offered = call.alpn ?? (tls === "mtls" ? MESH_ALPN : TLS_ALPN)[protocol];
  const found = readsTls ? offered : readsHttp ? INSPECTED[protocol] : undefined;
  const index = matcher({
    destination: { address: call.address ?? SOME_ADDRESS, port: call.port },
    source: CLIENT,
    directSource: CLIENT,
    serverName: readsTls ? (call.sni ?? (tls === "tls" ? call.hostHeader : undefined) ?? "") : "",
    transportProtocol: readsTls ? "tls" : "raw_buffer",
    applicationProtocols: found === undefined ? [] : [found],
  });
  return index === undefined ? wire.defaultFilterChain : chains[index];
}
