// How often a call has to be made until its shares can be told apart.
import { isIP } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { addressOfName } from "../replay/name-server.ts";
import { at, number, objects, text } from "./json-fields.ts";

/** Calls for shares of weights, and of faults that strike at times. */
export const SHARES = 240;
const PER_ENDPOINT = 24;

export function timesFor(route: JsonObject): number {
  return mayAbort(route) || at(route, "route")["weightedClusters"] !== undefined ? SHARES : 1;
}

/** A route that answers some of its requests itself. */
export function mayAbort(route: JsonObject): boolean {
  return at(route, "typedPerFilterConfig", "envoy.filters.http.fault")["abort"] !== undefined;
}

/** A call that fails does not say which endpoint it failed at. */
export const TIMES_OF_FAILURE = PER_ENDPOINT;

/** Where each of `count` endpoints of a cluster may answer. */
export function timesForEndpoints(count: number): number {
  return count > 1 ? Math.min(SHARES, count * PER_ENDPOINT) : 1;
}

/** By destination: of how many endpoints it is one, at most. */
export function endpointCounts(assignments: readonly JsonObject[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const assignment of assignments) {
    const endpoints = objects(assignment["endpoints"]).flatMap((locality) => objects(locality["lbEndpoints"]));
    for (const endpoint of endpoints) {
      const address = at(endpoint, "endpoint", "address", "socketAddress");
      const host = text(address["address"]) ?? "";
      const key = `${isIP(host) === 0 ? addressOfName(host) : host}:${number(address["portValue"])}`;
      counts.set(key, Math.max(endpoints.length, counts.get(key) ?? 0));
    }
  }
  return counts;
}
