// The addresses that a user can open, read from what the gateway really serves: its listeners and its routes. Pure.
import { asFields, field, list, listeners, path, routes, text } from "./config-dump.ts";

export interface GatewayUrl {
  readonly url: string;
  /** The Host header that the route wants, when it is not localhost's to give. */
  readonly host?: string;
}

/** What is worth showing of a route's match, or undefined: redirects, errors and patterns are not for a browser's address bar. */
function openPath(route: unknown): string | undefined {
  if (field(route, "route") === undefined) return undefined;
  const match = field(route, "match");
  const exact = text(field(match, "path"));
  const prefix = text(field(match, "prefix")) || text(field(match, "path_separated_prefix"));
  return exact !== "" ? exact : prefix !== "" ? prefix : undefined;
}

interface HttpChain {
  readonly routes: string;
  readonly scheme: "http" | "https";
}

function httpChains(listener: unknown): readonly HttpChain[] {
  return list(listener, "filter_chains").flatMap((chain) =>
    list(chain, "filters").flatMap((filter): HttpChain[] => {
      const routes = text(path(asFields(field(filter, "typed_config")), "rds", "route_config_name"));
      return routes === "" ? [] : [{ routes, scheme: field(chain, "transport_socket") === undefined ? "http" : "https" }];
    }),
  );
}

/** One address per listener and host: the first route that can be opened. */
export function gatewayUrls(dump: unknown): readonly GatewayUrl[] {
  const tables = new Map(routes(dump).map((config) => [text(field(config, "name")), config]));
  const found: GatewayUrl[] = [];
  for (const listener of listeners(dump)) {
    const port = text(path(listener, "address", "socket_address", "port_value"));
    for (const { routes: name, scheme } of httpChains(listener)) {
      for (const virtualHost of list(tables.get(name), "virtual_hosts")) {
        const domain = text(list(virtualHost, "domains")[0]).replace(/:\d+$/, "");
        const open = list(virtualHost, "routes")
          .map(openPath)
          .find((one) => one !== undefined);
        if (open === undefined || domain === "") continue;
        const implied = scheme === "https" ? "443" : "80";
        const url = `${scheme}://localhost${port === implied ? "" : `:${port}`}${open}`;
        if (domain === "*" || domain === "localhost") found.push({ url });
        else found.push({ url, host: domain.startsWith("*.") ? `any${domain.slice(1)}` : domain });
      }
    }
  }
  return found;
}
