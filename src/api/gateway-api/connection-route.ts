// TCPRoute, UDPRoute and TLSRoute. Version v1 has one rule, the versions before it up to 16; TLSRoute v1 must say its hosts.
import { field, required, type Decoded, type Limits } from "#api/declaration";
import { list, structure } from "#api/structure";
import { hostname, sectionName } from "./references.ts";
import { backendRef, routeFields } from "./route.ts";

const rule = structure("RouteRule", {
  name: field(sectionName, "The rule's name, once in its route"),
  backendRefs: required(list(backendRef, { minItems: 1, maxItems: 16 }), "Who gets the connections"),
});

const oneRule: Limits = { minItems: 1, maxItems: 1 };
const someRules: Limits = { minItems: 1, maxItems: 16 };

function rules(limits: Limits) {
  return required(list(rule, limits), "Where connections go");
}

export const tcpRoute = structure("TCPRoute", { ...routeFields, rules: rules(oneRule) });
export const tcpRouteAlpha = structure("TCPRoute", { ...routeFields, rules: rules(someRules) });
export const udpRoute = structure("UDPRoute", { ...routeFields, rules: rules(oneRule) });
export const udpRouteAlpha = structure("UDPRoute", { ...routeFields, rules: rules(someRules) });
export type ConnectionRouteSpec = Decoded<typeof tcpRoute>;

const maxTlsHosts = 1024;
export const tlsRoute = structure("TLSRoute", {
  ...routeFields,
  hostnames: required(list(hostname, { minItems: 1, maxItems: maxTlsHosts }), "Server names of its connections"),
  rules: rules(oneRule),
});
export const tlsRouteAlpha = structure("TLSRoute", {
  ...routeFields,
  hostnames: field(list(hostname, { maxItems: maxTlsHosts }), "Server names of its connections; all when it is left out"),
  rules: rules(someRules),
});
