// Listeners for applications that speak xDS themselves with gRPC. Each name that a client may dial (`xds:///echo.default:7070`) is an
// API listener that leads to the routes of its service; a server asks for a listener of the address that it serves on.
import { create } from "@bufbuild/protobuf";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import {
  HttpConnectionManagerSchema,
  type HttpConnectionManager,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { socketAddress } from "#control-plane/generate/address";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";
import { httpFilter } from "#control-plane/generate/http-filter/http-filter";
import { networkFilter } from "#control-plane/generate/network-filter/network-filter";
import { serviceDomains, withPort } from "#control-plane/generate/route/virtual-host-domains";
import { serviceAddresses } from "#control-plane/generate/service-addresses";
import { downstreamContext } from "./proxyless-tls.ts";
import { downstreamTlsSocket } from "#control-plane/generate/transport-socket/transport-socket";
import type { InboundPort, ProxyView } from "#control-plane/mesh/mesh";
import { pack } from "#envoy/any";

/** What Istio's bootstrap gives gRPC servers as the template of their listener's name. */
const SERVER_LISTENER_PREFIX = "xds.istio.io/grpc/lds/inbound/";
const ROUTER = httpFilter("envoy.filters.http.router", RouterSchema, {});
const OUTBOUND_FILTERS = [httpFilter("envoy.filters.http.fault", HTTPFaultSchema, {}), ROUTER];

export function proxylessListeners(view: ProxyView): readonly Listener[] {
  return [
    ...outboundListeners(view),
    ...view.inboundPorts.flatMap((port) => (port.port.protocol === "UDP" ? [] : inboundListeners(view, port))),
  ];
}

function outboundListeners(view: ProxyView): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const service of view.services) {
    const [address = "0.0.0.0"] = serviceAddresses(service, view.node);
    const { names } = serviceDomains({ service, aliases: [], addresses: [], callerDomain: view.node.dnsDomain });
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      const apiListener = pack(
        HttpConnectionManagerSchema,
        create(HttpConnectionManagerSchema, {
          httpFilters: OUTBOUND_FILTERS,
          routeSpecifier: {
            case: "rds",
            value: {
              configSource: { configSourceSpecifier: { case: "ads", value: {} } },
              routeConfigName: outboundClusterName(port.number, "", service.hostname),
            },
          },
        }),
      );
      for (const name of names) {
        if (name.startsWith("*") || name.endsWith(".")) continue;
        listeners.push(
          create(ListenerSchema, {
            name: withPort(name, port.number),
            address: socketAddress(address, port.number),
            apiListener: { apiListener },
          }),
        );
      }
    }
  }
  return listeners;
}

/** One for each address that a server of this workload may say that it serves on. */
function inboundListeners(view: ProxyView, port: InboundPort): readonly Listener[] {
  // gRPC servers cannot tell TLS from plaintext on one port. Callers use mutual TLS where the workload has it.
  const tls = view.mutualTlsMode(port.targetPort);
  const encrypted = tls === "STRICT" || (tls === "PERMISSIVE" && view.node.labels["security.istio.io/tlsMode"] === "istio");
  const suffix = encrypted ? "mtls" : "plaintext";
  return ["0.0.0.0", "::", ...view.node.ipAddresses].map((address) =>
    create(ListenerSchema, {
      name: `${SERVER_LISTENER_PREFIX}${withPort(address, port.targetPort)}`,
      address: socketAddress(address, port.targetPort),
      filterChains: [
        {
          name: `inbound-${suffix}`,
          filters: [networkFilter(`inbound-hcm${suffix}`, HttpConnectionManagerSchema, inboundManager())],
          ...(encrypted ? { transportSocket: downstreamTlsSocket(downstreamContext()) } : {}),
        },
      ],
    }),
  );
}

function inboundManager(): HttpConnectionManager {
  return create(HttpConnectionManagerSchema, {
    httpFilters: [ROUTER],
    routeSpecifier: {
      case: "routeConfig",
      value: {
        name: "inbound",
        virtualHosts: [
          {
            domains: ["*"],
            routes: [{ match: { pathSpecifier: { case: "prefix", value: "/" } }, action: { case: "nonForwardingAction", value: {} } }],
          },
        ],
      },
    },
  });
}
