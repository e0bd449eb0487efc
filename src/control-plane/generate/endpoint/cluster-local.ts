// Services whose calls stay in the caller's cluster, as MeshConfig.serviceSettings says.
import type { MeshConfigSpec } from "#api/mesh-config";
import { HostTable } from "#control-plane/mesh/host";

/** Of several settings the one with the most specific host counts. */
export function isClusterLocal(hostname: string, { serviceSettings = [] }: MeshConfigSpec): boolean {
  if (serviceSettings.length === 0) return false;
  const table = new HostTable<boolean>();
  for (const { hosts = [], settings } of serviceSettings) {
    for (const host of hosts) table.set(host, settings?.clusterLocal === true);
  }
  return table.find(hostname) ?? false;
}
