// `mizzen proxy-config`: istioctl's tables, read from the proxy's own admin endpoint.
import type { MeshStatus } from "#embedded/supervisor";
import { CommandError } from "./command-error.ts";
import { clusters, listeners, routes } from "./config-dump.ts";
import { requireClient } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";
import { clusterTable, endpointTable, listenerTable, routeTable } from "./proxy-config-tables.ts";
import type { Table } from "./proxy-config-tables.ts";
import { table } from "./table.ts";
import { yamlText } from "./yaml-text.ts";

export const PROXY_CONFIG_KINDS = ["listeners", "routes", "clusters", "endpoints"] as const;
export type ProxyConfigKind = (typeof PROXY_CONFIG_KINDS)[number];

export interface ProxyConfigOptions {
  readonly namespace?: string;
  readonly output?: string;
  readonly dataDir?: string;
}

interface View {
  readonly path: string;
  readonly table: (json: unknown) => Table;
  readonly items: (json: unknown) => unknown;
}

const VIEWS: Readonly<Record<ProxyConfigKind, View>> = {
  listeners: { path: "/config_dump", table: listenerTable, items: listeners },
  routes: { path: "/config_dump", table: routeTable, items: routes },
  clusters: { path: "/config_dump", table: clusterTable, items: clusters },
  endpoints: { path: "/clusters?format=json", table: endpointTable, items: (json) => json },
};

/** By name, `name.namespace` or node id, or by the beginning of a name when only one proxy's begins so. */
export function findProxy(all: Pick<MeshStatus, "proxies">, wanted: string, namespace?: string): MeshStatus["proxies"][number] {
  const proxies = all.proxies.filter((proxy) => namespace === undefined || proxy.namespace === namespace);
  const full = (proxy: MeshStatus["proxies"][number]): string => `${proxy.name}.${proxy.namespace}`;
  // istioctl takes pods as pod/NAME, too.
  const name = wanted.replace(/^pods?\//, "");
  const exact = proxies.filter((proxy) => proxy.name === name || full(proxy) === name || proxy.nodeId === name);
  const found = exact.length > 0 ? exact : proxies.filter((proxy) => full(proxy).startsWith(name));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) throw new CommandError(`"${wanted}" could be ${found.map(full).join(" or ")}; write more of the name`);
  const names = proxies.map(full).join(", ");
  throw new CommandError(`there is no proxy "${wanted}"; the mesh has ${names === "" ? "none yet" : names}`);
}

export async function proxyConfig(kind: string, name: string, options: ProxyConfigOptions): Promise<void> {
  const view = VIEWS[kind as ProxyConfigKind];
  if (!PROXY_CONFIG_KINDS.includes(kind as ProxyConfigKind))
    throw new CommandError(`"${kind}" is not one of ${PROXY_CONFIG_KINDS.join(", ")}`, 2);
  const output = options.output ?? "table";
  if (!["table", "json", "yaml"].includes(output)) throw new CommandError(`-o ${output} is not one of table, json, yaml`, 2);
  const { client } = requireClient(options);
  const proxy = findProxy(await client.status(), name, options.namespace);
  const text = await httpGet(`the admin endpoint of ${proxy.name}`, proxy.address, proxy.adminPort, view.path);
  const json: unknown = JSON.parse(text);
  if (output === "table") {
    const { head, rows } = view.table(json);
    process.stdout.write(table(head, rows));
  } else if (output === "json") process.stdout.write(`${JSON.stringify(view.items(json), undefined, 2)}\n`);
  else process.stdout.write(yamlText(view.items(json)));
}
