// The filter chains of sidecars' inbound listeners.
import { create } from "@bufbuild/protobuf";
import {
  FilterChainSchema,
  type Filter,
  type FilterChain,
  type FilterChainMatchSchema,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { InboundPort, ProxyView } from "#control-plane/mesh/mesh";
import type { Protocol } from "#control-plane/registry/service";
import { INBOUND_PASSTHROUGH_CLUSTER, inboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { connectionStatName } from "#control-plane/generate/cluster/stat-name";
import { filterInputs, type FilterInputs } from "#control-plane/generate/filter-inputs";
import { hasExtension } from "#control-plane/generate/istio-extension";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import { connectionManagerFilter, inboundConnectionManager } from "#control-plane/generate/network-filter/connection-manager";
import { metadataExchange } from "#control-plane/generate/network-filter/istio-filters";
import { blackHoleFilters, proxyTo, tcpFilters } from "#control-plane/generate/network-filter/tcp-filters";
import { fileReaderOf } from "#control-plane/generate/transport-socket/file-secrets";
import { downstreamTlsContext, meshDownstreamTlsContext } from "#control-plane/generate/transport-socket/downstream-tls-context";
import { downstreamTlsSocket } from "#control-plane/generate/transport-socket/transport-socket";
import { inboundChainMatches, ownTlsMatch, type InboundChainMatch } from "./inbound-chain-match.ts";
import { inboundRoutes } from "./inbound-routes.ts";
import { statPrefix } from "./listener.ts";
import { listenerProtocol } from "./listener-protocol.ts";

/** What a chain is made from: a port of the application, or all ports that nobody declared. */
interface ChainSource {
  readonly cluster: string;
  readonly protocol: Protocol;
  readonly statPrefix: string;
  /** What statistics call its connections when they are no HTTP. */
  readonly connectionsName: string;
  readonly operation: string;
  readonly servicePort: number;
  /** 0: whatever port the connection was addressed to. */
  readonly destinationPort: number;
  nameOf(carries: "HTTP" | "TCP"): string;
}

export function portChains(port: InboundPort, view: ProxyView): readonly FilterChain[] {
  const mode = view.mutualTlsMode(port.targetPort);
  const ownTls = mode === "DISABLE" ? port.tls : undefined;
  const protocol = ownTls === undefined ? port.port.protocol : afterTls(port.port.protocol);
  const kind = listenerProtocol(protocol) ?? "TCP";
  const name = `${port.bind}_${port.targetPort}`;
  const host = hostOf(port, view);
  const clusterName = inboundClusterName(port.targetPort);
  const source: ChainSource = {
    cluster: clusterName,
    protocol,
    statPrefix: statPrefix("inbound", port.bind, port.targetPort),
    connectionsName: connectionStatName({
      pattern: view.mesh.config.inboundClusterStatName,
      clusterName,
      service: port.service,
      port: port.port,
      subset: "",
      targetPort: port.targetPort,
    }),
    operation: `${host}:${port.port.number}/*`,
    servicePort: port.port.number,
    destinationPort: port.targetPort,
    nameOf: () => name,
  };
  const matches = ownTls === undefined ? inboundChainMatches(kind, mode) : [ownTlsMatch(kind)];
  return matches.map((match) => {
    const chain = inboundChain(source, match, view);
    if (match.endsTls && ownTls !== undefined) {
      const context = downstreamTlsContext(ownTls, {
        mesh: view.mesh.config,
        transport: "http",
        metadataExchange: false,
        fileReader: fileReaderOf(view.node),
      });
      if (context !== undefined) chain.transportSocket = downstreamTlsSocket(context);
    }
    if (port.sidecar !== undefined) chain.metadata = istioMetadata({ config: configPath(port.sidecar) });
    return chain;
  });
}

/** Connections to ports that nobody declared go to the application as they came. */
export function passThroughChains(view: ProxyView): readonly FilterChain[] {
  const declared = new Set(view.inboundPorts.map(({ targetPort }) => targetPort));
  const extra = view.mutualTlsPorts.filter((port) => !declared.has(port));
  return [0, ...extra].flatMap((port) => {
    const source: ChainSource = {
      cluster: INBOUND_PASSTHROUGH_CLUSTER,
      protocol: "AUTO",
      statPrefix: `${INBOUND_PASSTHROUGH_CLUSTER};`,
      connectionsName: INBOUND_PASSTHROUGH_CLUSTER,
      operation: ":0/*",
      servicePort: 0,
      destinationPort: port,
      nameOf: (carries) => (carries === "HTTP" ? "virtualInbound-catchall-http" : "virtualInbound"),
    };
    return inboundChainMatches("AUTO", view.mutualTlsMode(port)).map((match) => inboundChain(source, match, view));
  });
}

/** Nobody may address the capturing port itself: the connection would come back to it without end. */
export function blackHoleChain(inputs: FilterInputs): FilterChain {
  return create(FilterChainSchema, {
    name: "virtualInbound-blackhole",
    filterChainMatch: { destinationPort: inputs.config.proxyInboundListenPort ?? 0 },
    filters: blackHoleFilters("sidecar-inbound", inputs),
  });
}

function inboundChain(source: ChainSource, match: InboundChainMatch, view: ProxyView): FilterChain {
  const chain = create(FilterChainSchema, {
    name: source.nameOf(match.carries),
    filterChainMatch: filterChainMatch(source.destinationPort, match),
    filters: match.carries === "HTTP" ? httpFilters(source, view) : connectionFilters(source, view),
  });
  if (match.endsTls) chain.transportSocket = meshTls(match, view);
  return chain;
}

function filterChainMatch(destinationPort: number, match: InboundChainMatch): MessageInitShape<typeof FilterChainMatchSchema> {
  return {
    ...(destinationPort === 0 ? {} : { destinationPort }),
    transportProtocol: match.transportProtocol,
    applicationProtocols: [...match.applicationProtocols],
  };
}

function httpFilters(source: ChainSource, view: ProxyView): Filter[] {
  const inputs = filterInputs(view);
  const routes = inboundRoutes(source, inputs.config);
  const manager = inboundConnectionManager({ statPrefix: source.statPrefix, routes, protocol: source.protocol }, inputs);
  return [...metadataExchange(inputs), connectionManagerFilter(manager)];
}

function connectionFilters({ cluster, protocol, connectionsName }: ChainSource, view: ProxyView): Filter[] {
  return tcpFilters({ class: "sidecar-inbound", protocol, proxy: proxyTo(cluster, connectionsName) }, filterInputs(view));
}

function meshTls(match: InboundChainMatch, view: ProxyView) {
  return downstreamTlsSocket(
    meshDownstreamTlsContext({
      mesh: view.mesh.config,
      transport: match.carries === "HTTP" ? "http" : "tcp",
      metadataExchange: hasExtension(view.node, "envoy.filters.network.metadata_exchange"),
    }),
  );
}

/** What is spoken inside TLS that ends here. */
function afterTls(protocol: Protocol): Protocol {
  if (protocol === "HTTPS") return "HTTP";
  return protocol === "TLS" ? "TCP" : protocol;
}

/** A port that a Sidecar declares bears the Sidecar's name even where it is a service's; one that only the agent declares the workload's. */
function hostOf({ sidecar, service }: InboundPort, { node }: ProxyView): string {
  if (sidecar === undefined && service !== undefined) return service.hostname;
  const { name, namespace } = sidecar?.metadata ?? node;
  return `${name}.${namespace}`;
}
