// EnvoyFilter: patches to the configuration that proxies get. Powerful, and bound to what Envoy calls things.
import { enumeration, field, int32, json, limited, map, message, repeated, string, uint32, type Decoded } from "./declaration.ts";
import { labelsSelector, targetRefs } from "./selector.ts";

const subFilterMatch = message("SubFilterMatch", { name: field(string, "The HTTP filter's name") });

const filterMatch = message("FilterMatch", {
  name: field(string, "The network filter's name"),
  subFilter: field(subFilterMatch, "An HTTP filter within the connection manager"),
});

const filterChainMatch = message("FilterChainMatch", {
  name: field(string, "The chain's name"),
  sni: field(string, "The server name that the chain is for"),
  transportProtocol: field(string, "The transport that the chain is for: raw_buffer, tls, ..."),
  applicationProtocols: field(string, "Protocols that the chain is for, with commas between"),
  filter: field(filterMatch, "A filter of the chain"),
  destinationPort: field(uint32, "The port that the chain is for"),
  transportSocket: field(string, "The chain's transport socket"),
});

const listenerMatch = message("ListenerMatch", {
  portNumber: field(uint32, "The port that is listened to"),
  portName: field(string, "Not used by Istio"),
  filterChain: field(filterChainMatch, "A filter chain of the listener"),
  listenerFilter: field(string, "The name of a listener filter"),
  name: field(string, "The listener's name"),
});

const virtualHostMatch = message("VirtualHostMatch", {
  name: field(string, "The virtual host's name: host:port"),
  route: field(
    message("RouteMatch", {
      name: field(string, "The route's name"),
      action: field(enumeration(["ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE"]), "What the route does"),
    }),
    "A route of the virtual host",
  ),
  domainName: field(string, "A domain of the virtual host"),
});

const routeConfigurationMatch = message("RouteConfigurationMatch", {
  portNumber: field(uint32, "The port that the routes are for"),
  portName: field(string, "The name of a Gateway's port"),
  gateway: field(string, "The Gateway: namespace/name"),
  vhost: field(virtualHostMatch, "A virtual host of the routes"),
  name: field(string, "The route configuration's name"),
});

const clusterMatch = message("ClusterMatch", {
  portNumber: field(uint32, "The service's port"),
  service: field(string, "The service's full name"),
  subset: field(string, "The subset"),
  name: field(string, "The cluster's name"),
});

const waypointMatch = message("WaypointMatch", {
  portNumber: field(
    limited(uint32, { rules: [{ rule: "0 < self && self <= 65535", message: "port must be between 1-65535" }] }),
    "The service's port",
  ),
  filter: field(filterMatch, "A filter of the chain"),
  route: field(message("RouteMatch", { name: field(string, "The route's name") }), "A route"),
});

const objectMatch = limited(
  message(
    "EnvoyConfigObjectMatch",
    {
      context: field(
        enumeration(["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"]),
        "In which proxies, and which direction",
      ),
      proxy: field(
        message("ProxyMatch", {
          proxyVersion: field(string, "An expression for the proxy's version"),
          metadata: field(map(string), "Metadata that the proxy has"),
        }),
        "Proxies that it is for",
      ),
      listener: field(listenerMatch, "A listener"),
      routeConfiguration: field(routeConfigurationMatch, "A route configuration"),
      cluster: field(clusterMatch, "A cluster"),
      waypoint: field(waypointMatch, "A waypoint's object"),
    },
    [["listener", "routeConfiguration", "cluster", "waypoint"]],
  ),
  {
    rules: [
      {
        rule: 'has(self.context) ? ((self.context == "WAYPOINT") ? has(self.waypoint) : !has(self.waypoint)) : !has(self.waypoint)',
        message: "only support waypointMatch when context is WAYPOINT",
      },
    ],
  },
);

const patch = message("Patch", {
  operation: field(
    enumeration([
      "INVALID",
      "MERGE",
      "ADD",
      "REMOVE",
      "INSERT_BEFORE",
      "INSERT_AFTER",
      "INSERT_FIRST",
      "REPLACE",
      "MERGE_AND_REPLACE_LIST",
    ]),
    "What is done with the object",
  ),
  value: field(json, "The object, or the part of it, as Envoy's API has it"),
  filterClass: field(enumeration(["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"]), "Where an added filter stands relative to Istio's"),
});

const configPatch = message("EnvoyConfigObjectPatch", {
  applyTo: field(
    enumeration([
      "INVALID",
      "LISTENER",
      "FILTER_CHAIN",
      "NETWORK_FILTER",
      "HTTP_FILTER",
      "ROUTE_CONFIGURATION",
      "VIRTUAL_HOST",
      "HTTP_ROUTE",
      "CLUSTER",
      "EXTENSION_CONFIG",
      "BOOTSTRAP",
      "LISTENER_FILTER",
    ]),
    "Which kind of object",
  ),
  match: field(objectMatch, "Which objects of the kind"),
  patch: field(patch, "What is done"),
});
export type ConfigPatch = Decoded<typeof configPatch>;

export const envoyFilter = limited(
  message("EnvoyFilter", {
    workloadSelector: field(labelsSelector, "Workloads that it is for; without any all of the namespace"),
    targetRefs: field(targetRefs, "Objects that it is for"),
    configPatches: field(repeated(configPatch), "The patches, in order"),
    priority: field(int32, "The order among EnvoyFilters; the lowest first"),
  }),
  {
    rules: [
      {
        rule: "(has(self.workloadSelector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        message: "only one of targetRefs or workloadSelector can be set",
      },
    ],
  },
);
export type EnvoyFilterSpec = Decoded<typeof envoyFilter>;
