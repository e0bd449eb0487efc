// ClusterLoadAssignment -> frozen config: which endpoints a cluster has, by priority. The only place that knows its defaults.
import type { Address } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { ClusterLoadAssignment, ClusterLoadAssignment_Policy_DropOverload } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { Endpoint_HealthCheckConfig, LbEndpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import { HealthStatus } from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import type { Locality } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { SocketAddress } from "#proxy/net/connection";
import { pipePathFault } from "#proxy/net/socket-address";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";
import { fraction } from "#proxy/runtime/runtime-fields";
import { transportLabels } from "#proxy/transport-socket/transport-sockets";
import type { TransportLabels } from "#proxy/transport-socket/transport-sockets";
import type { HostHealth, HostMetadata } from "./cluster.ts";

/** How active health checks reach an endpoint where that is not how traffic does. */
export interface EndpointHealthCheck {
  readonly address: SocketAddress | undefined;
  readonly port: number | undefined;
  /** "": the health check's own. */
  readonly hostname: string;
  /** Never checked: it counts as healthy. */
  readonly disabled: boolean;
}

export interface EndpointConfig {
  readonly address: SocketAddress;
  /** Tried when that does not connect soon. */
  readonly additionalAddresses?: readonly SocketAddress[];
  readonly hostname: string;
  readonly weight: number;
  /** `region/zone/subzone`; "" when none is given. */
  readonly locality: string;
  readonly health: HostHealth;
  /** As endpoints say it; undefined: they say nothing. */
  readonly healthStatus?: HealthStatus;
  readonly labels: TransportLabels | undefined;
  readonly metadata?: HostMetadata;
  readonly healthCheck?: EndpointHealthCheck | undefined;
}

export interface LocalityConfig {
  readonly locality: string;
  /** Share of the priority's traffic with locality-weighted balancing; 0 takes none. */
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

export interface LoadAssignmentConfig {
  readonly clusterName: string;
  /** By priority, 0 first, without gaps. */
  readonly priorities: readonly (readonly LocalityConfig[])[];
  /** How much a priority may lose before traffic spills over: 1.4 unless given. */
  readonly overprovisioning: number;
  /** What a priority can take goes by the weights of its endpoints instead of their number. */
  readonly weightedPriorityHealth?: boolean;
  /** In [0, 1]: so much of the traffic is to be turned away. */
  readonly dropOverload?: number;
}

const NO_METADATA: HostMetadata = Object.freeze({});
const NO_WEIGHT_GIVEN = 1;
const DEFAULT_OVERPROVISIONING_PERCENT = 140;

/** @throws ConfigError with all violations */
export function parseLoadAssignment(wire: ClusterLoadAssignment): LoadAssignmentConfig {
  const violations: ConfigViolation[] = [];
  const config = readLoadAssignment(wire, "", violations);
  if (violations.length > 0) throw new ConfigError(`endpoints of cluster "${wire.clusterName}"`, violations);
  return config;
}

/** The same for an assignment inside of another resource: `path` stands in front of the field paths. */
export function readLoadAssignment(wire: ClusterLoadAssignment, path: string, violations: ConfigViolation[]): LoadAssignmentConfig {
  const priorities: LocalityConfig[][] = [];
  if (wire.clusterName === "" && path === "") violations.push({ path: "cluster_name", message: "must not be empty" });
  const policy = wire.policy;
  const overprovisioningPercent = policy?.overprovisioningFactor ?? DEFAULT_OVERPROVISIONING_PERCENT;
  if (overprovisioningPercent === 0) violations.push({ path: `${path}policy.overprovisioning_factor`, message: "must be greater than 0" });

  for (const [at, group] of wire.endpoints.entries()) {
    const groupPath = `${path}endpoints[${at}]`;
    if (group.priority > 128) {
      violations.push({ path: `${groupPath}.priority`, message: "must not be above 128" });
      continue;
    }
    if (group.lbConfig.case !== undefined && group.lbConfig.case !== "loadBalancerEndpoints") {
      violations.push({ path: `${groupPath}.leds_cluster_locality_config`, message: "endpoints by LEDS are not served yet" });
      continue;
    }
    const locality = localityName(group.locality);
    const listed = group.lbConfig.case === "loadBalancerEndpoints" ? group.lbConfig.value.lbEndpoints : group.lbEndpoints;
    const endpoints: EndpointConfig[] = [];
    for (const [index, endpoint] of listed.entries()) {
      const read = readEndpoint(endpoint, locality, `${groupPath}.lb_endpoints[${index}]`, violations);
      if (read !== undefined) endpoints.push(read);
    }
    while (priorities.length <= group.priority) priorities.push([]);
    priorities[group.priority]!.push(Object.freeze({ locality, weight: group.loadBalancingWeight ?? 0, endpoints }));
  }
  const weighted = policy?.weightedPriorityHealth === true ? { weightedPriorityHealth: true } : {};
  const drop = readDropOverload(policy?.dropOverloads ?? [], `${path}policy.drop_overloads`, violations);
  // Envoy wants priorities without gaps: an empty one in the middle would take load that nobody can serve.
  for (const [priority, groups] of priorities.entries()) {
    if (groups.length === 0)
      violations.push({ path: `${path}endpoints`, message: `priority ${priority} is skipped: priorities must not have gaps` });
  }
  return Object.freeze({
    clusterName: wire.clusterName,
    priorities,
    overprovisioning: overprovisioningPercent / 100,
    ...weighted,
    ...drop,
  });
}

/** As Envoy: of one category alone. */
function readDropOverload(
  wire: readonly ClusterLoadAssignment_Policy_DropOverload[],
  path: string,
  violations: ConfigViolation[],
): { readonly dropOverload?: number } {
  if (wire.length > 1) violations.push({ path, message: `has ${wire.length} categories, only one is served` });
  if (wire.length > 0 && wire[0]!.category === "") violations.push({ path: `${path}[0].category`, message: "must not be empty" });
  const dropOverload = fraction(wire[0]?.dropPercentage);
  return dropOverload > 0 ? { dropOverload } : {};
}

function readEndpoint(wire: LbEndpoint, locality: string, path: string, violations: ConfigViolation[]): EndpointConfig | undefined {
  if (wire.hostIdentifier.case !== "endpoint") {
    violations.push({ path, message: "an endpoint with an address is needed; named endpoints are not served yet" });
    return undefined;
  }
  const endpoint = wire.hostIdentifier.value;
  const addressPath = `${path}.endpoint.address`;
  const at = readAddress(endpoint.address, addressPath, violations);
  if (at === undefined) return undefined;
  const additionalAddresses = endpoint.additionalAddresses.flatMap(
    ({ address }, index) => readAddress(address, `${path}.endpoint.additional_addresses[${index}].address`, violations) ?? [],
  );
  if (wire.loadBalancingWeight === 0) {
    violations.push({ path: `${path}.load_balancing_weight`, message: "must be at least 1" });
    return undefined;
  }
  return Object.freeze({
    address: at,
    additionalAddresses,
    hostname: endpoint.hostname,
    weight: wire.loadBalancingWeight ?? NO_WEIGHT_GIVEN,
    locality,
    health: healthOf(wire.healthStatus),
    healthStatus: wire.healthStatus,
    labels: transportLabels(wire.metadata),
    metadata: wire.metadata?.filterMetadata ?? NO_METADATA,
    healthCheck: readHealthCheck(endpoint.healthCheckConfig, `${path}.endpoint.health_check_config`, violations),
  });
}

function readHealthCheck(
  wire: Endpoint_HealthCheckConfig | undefined,
  path: string,
  violations: ConfigViolation[],
): EndpointHealthCheck | undefined {
  if (wire === undefined) return undefined;
  if (wire.portValue > 65_535) violations.push({ path: `${path}.port_value`, message: `${wire.portValue} is not a port` });
  return Object.freeze({
    address: wire.address === undefined ? undefined : readAddress(wire.address, `${path}.address`, violations),
    port: wire.portValue === 0 ? undefined : wire.portValue,
    hostname: wire.hostname,
    disabled: wire.disableActiveHealthCheck,
  });
}

function readAddress(wire: Address | undefined, path: string, violations: ConfigViolation[]): SocketAddress | undefined {
  const address = wire?.address;
  if (address?.case === "pipe") {
    const fault = pipePathFault(address.value.path);
    if (fault !== undefined) violations.push({ path: `${path}.pipe.path`, message: fault });
    return fault === undefined ? Object.freeze({ address: address.value.path, port: 0 }) : undefined;
  }
  if (address?.case !== "socketAddress") {
    const message = address?.case === undefined ? "must be set" : `${address.case} is not served yet, only socket_address and pipe`;
    violations.push({ path, message });
    return undefined;
  }
  const socket = address.value;
  const port = socket.portSpecifier.case === "portValue" ? socket.portSpecifier.value : -1;
  if (port < 0 || port > 65_535) {
    violations.push({ path: `${path}.socket_address.port_value`, message: "must be a port from 0 to 65535" });
    return undefined;
  }
  if (!isIpLiteral(socket.address)) {
    violations.push({
      path: `${path}.socket_address.address`,
      message: `"${socket.address}" is not an IP address; names need a DNS cluster`,
    });
    return undefined;
  }
  return Object.freeze({ address: socket.address, port });
}

function healthOf(status: HealthStatus): HostHealth {
  switch (status) {
    case HealthStatus.UNHEALTHY:
    case HealthStatus.DRAINING:
    case HealthStatus.TIMEOUT:
      return "unhealthy";
    case HealthStatus.DEGRADED:
      return "degraded";
    default:
      return "healthy";
  }
}

export function localityName(locality: Locality | undefined): string {
  if (locality === undefined) return "";
  const { region, zone, subZone } = locality;
  if (subZone !== "") return `${region}/${zone}/${subZone}`;
  if (zone !== "") return `${region}/${zone}`;
  return region;
}

/** Text form only, without node:net: digits and dots, or hexadecimal with colons. The connector finds out what the kernel thinks. */
function isIpLiteral(text: string): boolean {
  if (text.includes(":")) return /^[0-9a-fA-F:.]+(%[\w.-]+)?$/.test(text);
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}
