// `mizzen proxy-status`: what the control plane knows of each proxy, and whether its workload uses it.
import type { MeshStatus } from "#embedded/supervisor";
import { SupervisorClient } from "#embedded/supervisor-client";
import { CommandError } from "./command-error.ts";
import { asFields, field, list, text } from "./config-dump.ts";
import { dataDirectory, requireMesh } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";
import { table } from "./table.ts";
import { yamlText } from "./yaml-text.ts";

export interface ProxyStatusOptions {
  readonly output?: string;
  readonly dataDir?: string;
}

const TYPES = ["CDS", "LDS", "EDS", "RDS"] as const;

export interface ProxyRow {
  readonly name: string;
  readonly types: Readonly<Record<(typeof TYPES)[number], string>>;
  readonly version: string;
  /** "yes", "NOT CAPTURED", or "-" where nothing is to be captured. */
  readonly captured: string;
  readonly errors: readonly string[];
}

/** From `/debug/syncz` and from what the supervisor runs. `captured`: by node id, whether the sidecar's HTTP proxy port was ever used. */
export function proxyRows(
  syncz: unknown,
  proxies: MeshStatus["proxies"],
  captured: ReadonlyMap<string, boolean | undefined>,
): readonly ProxyRow[] {
  const connected = (Array.isArray(syncz) ? syncz : []).map((entry) => {
    const node = text(field(entry, "node"));
    const types = asFields(field(entry, "types"));
    const used = captured.get(node);
    return {
      name: text(field(entry, "proxy")),
      types: Object.fromEntries(TYPES.map((type) => [type, text(field(types[type], "status")) || "NOT SENT"])) as ProxyRow["types"],
      version: text(field(entry, "istio_version")),
      captured: used === undefined ? "-" : used ? "yes" : "NOT CAPTURED",
      errors: TYPES.flatMap((type) => {
        const error = text(field(types[type], "error"));
        return error === "" ? [] : [`${type}: ${error}`];
      }),
    };
  });
  // A proxy that runs but has no stream is the one that somebody is looking for.
  const absent = proxies
    .filter((proxy) => !connected.some((row) => row.name === `${proxy.name}.${proxy.namespace}`))
    .map((proxy) => ({
      name: `${proxy.name}.${proxy.namespace}`,
      types: Object.fromEntries(TYPES.map((type) => [type, "NOT CONNECTED"])) as ProxyRow["types"],
      version: "",
      captured: "-",
      errors: [],
    }));
  return [...connected, ...absent].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** True when the sidecar's HTTP proxy listener ever took a connection. From `/stats?format=json`. */
export function wasCaptured(stats: unknown, address: string, httpProxyPort: number): boolean {
  const listener = `listener.${address.replaceAll(":", "_")}_${httpProxyPort}.downstream_cx_total`;
  return list(stats, "stats").some((stat) => text(field(stat, "name")) === listener && Number(field(stat, "value")) > 0);
}

async function captureOf(proxy: MeshStatus["proxies"][number]): Promise<boolean | undefined> {
  if (proxy.type !== "sidecar") return undefined;
  try {
    const path = "/stats?format=json&filter=downstream_cx_total";
    const stats = await httpGet(`the admin endpoint of ${proxy.name}`, proxy.address, proxy.adminPort, path);
    return wasCaptured(JSON.parse(stats), proxy.address, proxy.httpProxyPort);
  } catch (error) {
    // The proxy is being started again, or is a real Envoy without an admin endpoint: not known.
    if (error instanceof CommandError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function proxyStatus(options: ProxyStatusOptions): Promise<void> {
  const output = options.output ?? "table";
  if (!["table", "json", "yaml"].includes(output)) throw new CommandError(`-o ${output} is not one of table, json, yaml`, 2);
  const handle = requireMesh(dataDirectory(options, process.env));
  const status = await new SupervisorClient(handle).status();
  const syncz: unknown = JSON.parse(await httpGet("the control plane", "127.0.0.1", status.controlPlane.httpPort, "/debug/syncz"));
  const captured = new Map(await Promise.all(status.proxies.map(async (proxy) => [proxy.nodeId, await captureOf(proxy)] as const)));
  const rows = proxyRows(syncz, status.proxies, captured);
  if (output !== "table") {
    process.stdout.write(output === "json" ? `${JSON.stringify(rows, undefined, 2)}\n` : yamlText(rows));
    return;
  }
  const cells = rows.map((row) => [row.name, ...TYPES.map((type) => row.types[type]), row.version, row.captured]);
  process.stdout.write(table(["NAME", ...TYPES, "VERSION", "CAPTURED"], cells));
  for (const row of rows) for (const error of row.errors) process.stdout.write(`${row.name} refused ${error}\n`);
}
