// The one table of honoured fields: every message of a resource and of the extensions in it, and what this proxy makes of each field.
import type { FieldRow, FieldTable } from "./rows.ts";
import { ACCESS_LOG_FIELDS } from "./access-log.ts";
import { BOOTSTRAP_FIELDS } from "./bootstrap.ts";
import { CLUSTER_FIELDS } from "./cluster.ts";
import { COMPRESSION_FIELDS } from "./compression.ts";
import { CONFIG_SOURCE_FIELDS } from "./config-source.ts";
import { CORE_FIELDS } from "./core.ts";
import { ENDPOINT_FIELDS } from "./endpoint.ts";
import { HOST_HEALTH_FIELDS } from "./host-health.ts";
import { HTTP_CONNECTION_MANAGER_FIELDS } from "./http-connection-manager.ts";
import { HTTP_FILTERS_FIELDS } from "./http-filters.ts";
import { LISTENER_FIELDS } from "./listener.ts";
import { LOAD_BALANCING_FIELDS } from "./load-balancing.ts";
import { MATCH_TREE_FIELDS } from "./match-tree.ts";
import { NETWORK_FILTERS_FIELDS } from "./network-filters.ts";
import { PROTOCOL_FIELDS } from "./protocol.ts";
import { RATE_LIMIT_ACTIONS_FIELDS } from "./rate-limit-actions.ts";
import { ROUTE_FIELDS } from "./route.ts";
import { ROUTE_ACTION_FIELDS } from "./route-action.ts";
import { TRAFFIC_FILTERS_FIELDS } from "./traffic-filters.ts";
import { TRANSPORT_SOCKET_FIELDS } from "./transport-socket.ts";

const FAMILIES: readonly FieldTable[] = [
  ACCESS_LOG_FIELDS,
  BOOTSTRAP_FIELDS,
  CLUSTER_FIELDS,
  COMPRESSION_FIELDS,
  CONFIG_SOURCE_FIELDS,
  CORE_FIELDS,
  ENDPOINT_FIELDS,
  HOST_HEALTH_FIELDS,
  HTTP_CONNECTION_MANAGER_FIELDS,
  HTTP_FILTERS_FIELDS,
  LISTENER_FIELDS,
  LOAD_BALANCING_FIELDS,
  MATCH_TREE_FIELDS,
  NETWORK_FILTERS_FIELDS,
  PROTOCOL_FIELDS,
  RATE_LIMIT_ACTIONS_FIELDS,
  ROUTE_FIELDS,
  ROUTE_ACTION_FIELDS,
  TRAFFIC_FILTERS_FIELDS,
  TRANSPORT_SOCKET_FIELDS,
];

/** By message type (full name) the rows of its fields (proto names). */
export const HONOURED_FIELDS: ReadonlyMap<string, ReadonlyMap<string, FieldRow>> = new Map(
  FAMILIES.flatMap((family) =>
    Object.entries(family).map(([type, groups]) => [type, new Map(groups.flatMap((rows) => Object.entries(rows)))] as const),
  ),
);

/** Messages that nothing looks into: what stands in them is handed on as it is. */
export const WHOLE_MESSAGES: ReadonlyMap<string, string> = new Map([
  ["envoy.config.core.v3.Node", "told to the control plane as it is written"],
]);
