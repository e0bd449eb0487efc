// istioctl's tables of a proxy's configuration. Pure: parsed JSON in, rows out.
import { asFields, clusters, field, list, listeners, path, routes, text } from "./config-dump.ts";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** `outbound|9080|v1|reviews.default.svc.cluster.local`. */
function splitClusterName(name: string): readonly [direction: string, port: string, subset: string, host: string] | undefined {
  const parts = name.split("|");
  return parts.length === 4 ? (parts as unknown as [string, string, string, string]) : undefined;
}

/** `reviews.default` from `/apis/networking.istio.io/v1alpha3/namespaces/default/virtual-service/reviews`. */
function configName(value: unknown): string {
  const config = text(path(value, "metadata", "filter_metadata", "istio", "config"));
  const parts = config.split("/");
  const at = parts.indexOf("namespaces");
  return at === -1 ? "" : `${parts[at + 3] ?? ""}.${parts[at + 1] ?? ""}`;
}

export function clusterTable(dump: unknown): Table {
  const rows = clusters(dump).map((cluster) => {
    const name = text(field(cluster, "name"));
    const type = text(field(cluster, "type")) || text(path(cluster, "cluster_type", "name")) || "STATIC";
    const parts = splitClusterName(name);
    if (parts === undefined) return [name, "-", "-", "-", type, ""];
    const [direction, port, subset, host] = parts;
    return [host, port, subset === "" ? "-" : subset, direction, type, configName(cluster)];
  });
  return { head: ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"], rows: sorted(rows) };
}

function describeMatch(match: unknown): string {
  const prefix = text(field(match, "prefix"));
  const separated = text(field(match, "path_separated_prefix"));
  const exact = text(field(match, "path"));
  const regex = text(path(match, "safe_regex", "regex"));
  return [prefix === "" ? "" : `${prefix}*`, separated === "" ? "" : `PathPrefix:${separated}`, exact, regex === "" ? "" : `regex ${regex}`]
    .filter((part) => part !== "")
    .join(" ");
}

function describeDomains(domains: readonly string[]): string {
  if (domains.length === 1) return domains[0] ?? "";
  const names = domains.filter((domain) => !domain.includes(":"));
  const shown = (names.length === 0 ? domains : names).slice(0, 2).join(", ");
  const more = names.length - 2;
  return more > 0 ? `${shown} + ${more} more...` : shown;
}

function describeRule(route: unknown): string {
  const status = text(path(route, "direct_response", "status"));
  return configName(route) || status;
}

export function routeTable(dump: unknown): Table {
  const rows = routes(dump).flatMap((config) =>
    list(config, "virtual_hosts").flatMap((host) => {
      const domains = list(host, "domains").map(text);
      return list(host, "routes").map((route) => [
        text(field(config, "name")),
        text(field(host, "name")),
        describeDomains(domains),
        describeMatch(field(route, "match")),
        describeRule(route),
      ]);
    }),
  );
  // Sorted by name alone: within one, order is what decides.
  return { head: ["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"], rows: rows.toSorted((a, b) => compare(a[0], b[0])) };
}

function chainMatch(chain: unknown): string {
  const match = field(chain, "filter_chain_match");
  const parts: string[] = [];
  const names = list(match, "server_names").map(text);
  if (names.length > 0) parts.push(`SNI: ${names.join(",")}`);
  const transport = text(field(match, "transport_protocol"));
  if (transport !== "") parts.push(`Trans: ${transport}`);
  const protocols = list(match, "application_protocols").map(text);
  if (protocols.length > 0) parts.push(`App: ${protocols.join(",")}`);
  const ranges = list(match, "prefix_ranges").map((range) => `${text(field(range, "address_prefix"))}/${text(field(range, "prefix_len"))}`);
  if (ranges.length > 0) parts.push(`Addr: ${ranges.join(",")}`);
  const port = text(field(match, "destination_port"));
  if (port !== "") parts.push(`Port: ${port}`);
  return parts.length === 0 ? "ALL" : parts.join("; ");
}

function inlineDestination(config: unknown): string {
  const matches = list(config, "virtual_hosts").flatMap((host) =>
    list(host, "routes").map((route) => describeMatch(field(route, "match"))),
  );
  return `Inline Route: ${matches.join(", ")}`;
}

function chainDestination(chain: unknown): string {
  for (const filter of list(chain, "filters")) {
    const config = asFields(field(filter, "typed_config"));
    const type = text(config["@type"]);
    if (type.endsWith(".HttpConnectionManager")) {
      const inline = field(config, "route_config");
      return inline === undefined ? `Route: ${text(path(config, "rds", "route_config_name"))}` : inlineDestination(inline);
    }
    if (type.endsWith(".TcpProxy")) {
      const cluster = text(field(config, "cluster"));
      if (cluster !== "") return cluster.includes("|") ? `Cluster: ${cluster}` : cluster;
      const weighted = list(field(config, "weighted_clusters"), "clusters").map((entry) => text(field(entry, "name")));
      return `Cluster: ${weighted.join(", ")}`;
    }
  }
  return "Non-HTTP/Non-TCP";
}

export function listenerTable(dump: unknown): Table {
  const rows = listeners(dump).flatMap((listener) => {
    const address = path(listener, "address", "socket_address");
    const more = list(listener, "additional_addresses").map((entry) => text(path(entry, "address", "socket_address", "address")));
    const addresses = [text(field(address, "address")), ...more].join(",");
    const last = field(listener, "default_filter_chain");
    const chains = [...list(listener, "filter_chains"), ...(last === undefined ? [] : [last])];
    return chains.map((chain) => [addresses, text(field(address, "port_value")), chainMatch(chain), chainDestination(chain)]);
  });
  return {
    head: ["ADDRESSES", "PORT", "MATCH", "DESTINATION"],
    rows: rows.toSorted((a, b) => Number(a[1]) - Number(b[1]) || compare(a[0], b[0])),
  };
}

function endpointAddress(host: unknown): string {
  const socket = path(host, "address", "socket_address");
  if (socket !== undefined) return `${text(field(socket, "address"))}:${text(field(socket, "port_value"))}`;
  return text(path(host, "address", "pipe", "path"));
}

/** From `/clusters?format=json`. */
export function endpointTable(status: unknown): Table {
  const rows = list(status, "cluster_statuses").flatMap((cluster) =>
    list(cluster, "host_statuses").map((host) => {
      const health = field(host, "health_status");
      const outlier = field(health, "failed_outlier_check") === true ? "FAILED" : "OK";
      return [endpointAddress(host), text(field(health, "eds_health_status")) || "UNKNOWN", outlier, text(field(cluster, "name"))];
    }),
  );
  return { head: ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"], rows: sorted(rows) };
}

function compare(a: string | undefined, b: string | undefined): number {
  return (a ?? "") < (b ?? "") ? -1 : (a ?? "") > (b ?? "") ? 1 : 0;
}

function sorted(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows.toSorted((a, b) => compare(a.join(" "), b.join(" ")));
}
