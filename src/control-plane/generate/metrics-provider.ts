// Which metrics MeshConfig's default providers ask the proxies for.
import type { MeshConfigSpec } from "#api/mesh-config";

/** `prometheus` is a provider that every mesh has, whatever its list of extension providers says. */
export function writesPrometheusMetrics(config: MeshConfigSpec): boolean {
  const names = config.defaultProviders?.metrics ?? [];
  return names.some(
    (name) =>
      name === "prometheus" || config.extensionProviders?.some((provider) => provider.name === name && provider.prometheus !== undefined),
  );
}
