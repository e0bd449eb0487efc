// VirtualService: how requests for some hosts are routed.
import { field, later, map, message, repeated, required, string, uint32, type Decoded } from "./declaration.ts";
import { routeDestination } from "./virtual-service/destination.ts";
import { httpRoute } from "./virtual-service/http-route.ts";

export type { Destination, PortSelector, RouteDestination } from "./virtual-service/destination.ts";
export type { HeaderOperations, Headers } from "./virtual-service/headers.ts";
export type { HTTPFaultAbort, HTTPFaultDelay, HTTPFaultInjection, Percent } from "./virtual-service/http-fault.ts";
export type { HTTPMatchRequest } from "./virtual-service/http-match.ts";
export type { HTTPRetry } from "./virtual-service/http-retry.ts";
export type { CorsPolicy } from "./virtual-service/cors-policy.ts";
export type {
  Delegate,
  HTTPBody,
  HTTPDirectResponse,
  HTTPMirrorPolicy,
  HTTPRedirect,
  HTTPRewrite,
  HTTPRoute,
  HTTPRouteDestination,
  RegexRewrite,
} from "./virtual-service/http-route.ts";
export type { StringMatch } from "./string-match.ts";

const l4Match = {
  destinationSubnets: field(repeated(string), "Addresses or networks that the caller addresses"),
  port: field(uint32, "The port that the caller addresses"),
  sourceLabels: field(map(string), "Labels that the calling workload bears"),
  gateways: field(repeated(string), "Gateways for which the match counts"),
  sourceNamespace: field(string, "The calling workload's namespace"),
};

const tlsMatchAttributes = message("TLSMatchAttributes", {
  sniHosts: required(repeated(string), "Server names that the caller asks for"),
  ...l4Match,
});
export type TLSMatchAttributes = Decoded<typeof tlsMatchAttributes>;

export const tlsRoute = message("TLSRoute", {
  match: required(repeated(tlsMatchAttributes), "Conditions, of which one must hold"),
  route: field(repeated(routeDestination), "Where matching connections go"),
});
export type TLSRoute = Decoded<typeof tlsRoute>;

const l4MatchAttributes = message("L4MatchAttributes", {
  ...l4Match,
  sourceSubnet: later(string, "Not used by Istio"),
});
export type L4MatchAttributes = Decoded<typeof l4MatchAttributes>;

export const tcpRoute = message("TCPRoute", {
  match: field(repeated(l4MatchAttributes), "Conditions, of which one must hold"),
  route: field(repeated(routeDestination), "Where matching connections go"),
});
export type TCPRoute = Decoded<typeof tcpRoute>;

export const virtualService = message("VirtualService", {
  hosts: field(repeated(string), "Names that callers use; may begin with a wildcard. Empty only for a delegate"),
  gateways: field(repeated(string), "Gateways that apply the routes; mesh, the default, stands for all sidecars"),
  http: field(repeated(httpRoute), "Routes for HTTP and gRPC; the first that matches counts"),
  tls: field(repeated(tlsRoute), "Routes for TLS that is not ended here, by server name"),
  tcp: field(repeated(tcpRoute), "Routes for connections that are neither HTTP nor TLS"),
  exportTo: field(repeated(string), "Namespaces that see it: . its own, * all"),
});
export type VirtualServiceSpec = Decoded<typeof virtualService>;
