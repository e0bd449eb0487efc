// What a patch for waypoints may apply to, and what must be said of the object there. A waypoint has one listener of Istio's own making, so
// listeners cannot be patched, and objects are found by filter or route, not by listener.
import type { ConfigPatch } from "#api/envoy-filter";
import type { Check } from "#api/validation/violations";

export const connectionManager = "envoy.filters.network.http_connection_manager";

const notOfWaypoints: ReadonlySet<string> = new Set(["LISTENER", "LISTENER_FILTER", "BOOTSTRAP", "EXTENSION_CONFIG"]);
const withoutFilter: ReadonlySet<string> = new Set(["CLUSTER", "ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"]);
const withoutRoute: ReadonlySet<string> = new Set(["CLUSTER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"]);

/** Whether the patch is looked at any further. */
export function checkWaypointMatch({ match }: ConfigPatch, applyTo: string, check: Check): boolean {
  const waypoint = match?.waypoint;
  if (match?.context !== "WAYPOINT") {
    if (waypoint === undefined) return true;
    check.at("match", "waypoint").error("goes with context: WAYPOINT", "set context: WAYPOINT");
    return false;
  }
  if (notOfWaypoints.has(applyTo)) {
    check.at("applyTo").error(`${applyTo} cannot be patched in waypoints`, "use HTTP_FILTER, NETWORK_FILTER, HTTP_ROUTE or CLUSTER");
    return false;
  }
  const at = check.at("match", "waypoint");
  if (waypoint === undefined) {
    at.error("goes with context: WAYPOINT", "add waypoint");
    return false;
  }
  const { portNumber, filter, route } = waypoint;
  if (portNumber !== undefined && (portNumber < 1 || portNumber > 65535)) at.at("portNumber").error("a port is between 1 and 65535");
  const fault =
    filter !== undefined && withoutFilter.has(applyTo)
      ? `${applyTo} is not found by a filter`
      : route !== undefined && withoutRoute.has(applyTo)
        ? `${applyTo} is not found by a route`
        : applyTo === "HTTP_FILTER"
          ? httpFilterFault(filter)
          : undefined;
  at.refuse(fault);
  return fault === undefined;
}

interface FilterMatch {
  readonly name?: string | undefined;
  readonly subFilter?: { readonly name?: string | undefined } | undefined;
}

function httpFilterFault(filter: FilterMatch | undefined): string | undefined {
  if (filter === undefined) return "HTTP_FILTER is found by a filter: add filter";
  if (filter.name !== connectionManager) return `HTTP filters stand in ${connectionManager}: name it`;
  return (filter.subFilter?.name ?? "") === "" ? "filter.subFilter needs the name of the HTTP filter" : undefined;
}
