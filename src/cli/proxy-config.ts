// `mizzen proxy-config`: istioctl's tables, read from the proxy's own admin endpoint.
import { stringify } from "yaml";
import type { MeshStatus } from "#embedded/supervisor";
import { CommandError } from "./command-error.ts";
import { clusters, listeners, routes } from "./config-dump.ts";
import { requireClient } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";
import { clusterTable, endpointTable, listenerTable, routeTable } from "./proxy-config-tables.ts";
import type { Table } from "./proxy-config-tables.ts";
import { table } from "./table.ts";

export const PROXY_CONFIG_KINDS = ["listeners", "routes", "clusters", "endpoints"] as const;
export type ProxyConfigKind = (typeof PROXY_CONFIG_KINDS)[number];

export interface ProxyConfigOptions {
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

export function findProxy(status: MeshStatus, wanted: string): MeshStatus["proxies"][number] {
  const found = status.proxies.find(
    (proxy) => proxy.name === wanted || `${proxy.name}.${proxy.namespace}` === wanted || proxy.nodeId === wanted,
  );
  if (found !== undefined) return found;
  const names = status.proxies.map((proxy) => proxy.name).join(", ");
  throw new CommandError(`there is no proxy "${wanted}"; the mesh has ${names === "" ? "none yet" : names}`);
}

export async function proxyConfig(kind: string, name: string, options: ProxyConfigOptions): Promise<void> {
  const view = VIEWS[kind as ProxyConfigKind];
  if (!PROXY_CONFIG_KINDS.includes(kind as ProxyConfigKind))
    throw new CommandError(`"${kind}" is not one of ${PROXY_CONFIG_KINDS.join(", ")}`, 2);
  const output = options.output ?? "table";
  if (!["table", "json", "yaml"].includes(output)) throw new CommandError(`-o ${output} is not one of table, json, yaml`, 2);
  const { client } = requireClient(options);
  const proxy = findProxy(await client.status(), name);
  const text = await httpGet(`the admin endpoint of ${proxy.name}`, proxy.address, proxy.adminPort, view.path);
  const json: unknown = JSON.parse(text);
  if (output === "table") {
    const { head, rows } = view.table(json);
    process.stdout.write(table(head, rows));
  } else if (output === "json") process.stdout.write(`${JSON.stringify(view.items(json), undefined, 2)}\n`);
  else process.stdout.write(stringify(view.items(json)));
}
