// How hosts of several localities are balanced: by the weights of localities, or by zones. The cluster's own field and the policies' message
// say the same.
import type { Cluster_CommonLbConfig } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { LocalityLbConfig } from "#envoy/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb";
import type { ZoneAwareConfig } from "./lb/zone-aware.ts";

type Specifier = Cluster_CommonLbConfig["localityConfigSpecifier"] | LocalityLbConfig["localityConfigSpecifier"];

export interface LocalityBalancing {
  readonly localityWeighted: boolean;
  readonly zoneAware: ZoneAwareConfig;
}

const DEFAULT_MIN_CLUSTER_SIZE = 6;

export function readLocalities(
  specifier: Specifier | undefined,
  path: string,
  refuse: (path: string, message: string) => void,
): LocalityBalancing {
  const wire = specifier?.case === "zoneAwareLbConfig" ? specifier.value : undefined;
  const percent = wire?.routingEnabled?.value ?? 100;
  if (!(percent >= 0 && percent <= 100)) refuse(`${path}.zone_aware_lb_config.routing_enabled`, "must be from 0 to 100");
  return {
    localityWeighted: specifier?.case === "localityWeightedLbConfig",
    zoneAware: Object.freeze({
      routingEnabledPercent: Math.round(percent),
      minClusterSize: Number(wire?.minClusterSize ?? DEFAULT_MIN_CLUSTER_SIZE),
      failTrafficOnPanic: wire?.failTrafficOnPanic ?? false,
    }),
  };
}
