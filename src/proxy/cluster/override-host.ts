// common_lb_config.override_host_status: how healthy a host must be that a filter asks for by its address. The load balancer has its own mind.
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import type { HealthStatusSet } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import type { UpstreamHost } from "./upstream-host.ts";

export type OverrideHostStatuses = ReadonlySet<HealthStatus>;

const DEFAULT_STATUSES: OverrideHostStatuses = new Set([HealthStatus.UNKNOWN, HealthStatus.HEALTHY, HealthStatus.DEGRADED]);

/** An empty list lets no host through, which is how overrides are switched off. */
export function readOverrideHostStatus(wire: HealthStatusSet | undefined): OverrideHostStatuses {
  return wire === undefined ? DEFAULT_STATUSES : new Set(wire.statuses);
}

export function mayOverride({ ejected, activeHealth, edsStatus }: UpstreamHost, statuses: OverrideHostStatuses): boolean {
  return statuses.has(statusOf(ejected || activeHealth?.failed === true, activeHealth?.degraded === true, edsStatus));
}

/** In Envoy's order: what this proxy found out stands before what discovery says, but for a host that discovery gives up. */
function statusOf(failed: boolean, degraded: boolean, eds: HealthStatus): HealthStatus {
  if (failed) return HealthStatus.UNHEALTHY;
  if (eds === HealthStatus.UNHEALTHY || eds === HealthStatus.DRAINING || eds === HealthStatus.TIMEOUT) return eds;
  return degraded ? HealthStatus.DEGRADED : eds;
}
