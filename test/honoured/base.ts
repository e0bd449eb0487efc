// Configurations in which fields matter, in the JSON form of Envoy's messages with proto names: what a generator starts from.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

export type ResourceKind = "bootstrap" | "cluster" | "endpoints" | "listener" | "routes" | "secret";

export interface Base {
  readonly kind: ResourceKind;
  readonly json: JsonObject;
}

export function typed(type: string, config: JsonObject = {}): JsonObject {
  return { "@type": `type.googleapis.com/${type}`, ...config };
}

/** An extension point with name and typed_config. */
export function extension(type: string, config: JsonObject = {}): JsonObject {
  return { name: type, typed_config: typed(type, config) };
}

const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

export const UPSTREAM_FILTERS: JsonObject[] = [
  extension("envoy.extensions.filters.http.buffer.v3.Buffer", { max_request_bytes: 100 }),
  extension("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
];

export const ROUTER = extension("envoy.extensions.filters.http.router.v3.Router");

export function listener(filters: readonly JsonValue[], more: JsonObject = {}): Base {
  const json = { name: "l", address: socketAddress(8080), filter_chains: [{ filters: [...filters] }], ...more };
  return { kind: "listener", json };
}

export function connectionManager(config: JsonObject): JsonObject {
  const virtualHost: JsonObject = { name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "c" } }] };
  return extension(
    HCM,
    over({ stat_prefix: "in", route_config: { name: "r", virtual_hosts: [virtualHost] }, http_filters: [ROUTER] }, config),
  );
}

/** null takes a default away. */
export function over(defaults: JsonObject, given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries({ ...defaults, ...given }).filter(([, value]) => value !== null));
}

/** A listener whose connection manager has this filter in front of the router. */
export function httpFilter(type: string, config: JsonObject = {}): Base {
  return listener([connectionManager({ http_filters: [extension(type, config), ROUTER] })]);
}

export function routes(route: JsonObject, virtualHost: JsonObject = {}, more: JsonObject = {}): Base {
  const host = { name: "v", domains: ["a.example", "*.b.example"], routes: [{ match: { prefix: "/a" }, ...route }], ...virtualHost };
  return { kind: "routes", json: { name: "r", virtual_hosts: [host], ...more } };
}

export function forwarding(action: JsonObject, more: JsonObject = {}): Base {
  return routes({ route: over({ cluster: "c" }, action), ...more });
}

export function cluster(json: JsonObject): Base {
  return { kind: "cluster", json: over({ name: "c", load_assignment: assignment() }, json) };
}

export function assignment(): JsonObject {
  return { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(80) } }] }] };
}

export function socketAddress(port: number, address = "127.0.0.1"): JsonObject {
  return { socket_address: { address, port_value: port } };
}
