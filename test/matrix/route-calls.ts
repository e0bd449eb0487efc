// Calls that try the routes of one route configuration: each virtual host by its names, each route by a request that it is meant for and by
// requests that just miss it, and what stands in routes beside the match: retries, timeouts, header edits, CORS, faults.
import type { JsonObject } from "@bufbuild/protobuf";
import { ANSWER_HEADER, DELAY_HEADER, STATUS_HEADER, type TrafficRequest } from "../replay/traffic.ts";
import type { Call } from "./call.ts";
import { at, milliseconds, number, object, objects, text, texts } from "./json-fields.ts";
import { nearMisses, sampleOfMatch, sampleOfString, type SampleRequest } from "./sample-route-match.ts";
import { mayAbort, SHARES, timesFor } from "./times.ts";

/** Makes a request of an authority and what else is to be sent. */
export type RequestMaker = (authority: string, more: Partial<TrafficRequest>) => TrafficRequest;

interface RouteCallOptions {
  readonly from: Call["from"];
  readonly label: string;
  readonly make: RequestMaker;
}

/** More names of one virtual host than these are the same again: short names, addresses, ports. */
const MAX_DOMAINS = 6;
const MAX_EXTRAS = 4;
const LONGEST_TIMEOUT_MS = 4_000;

export function routeCalls(routeConfig: JsonObject, options: RouteCallOptions): readonly Call[] {
  const calls: Call[] = [];
  let extras = 0;
  for (const virtualHost of objects(routeConfig["virtualHosts"])) {
    const routes = objects(virtualHost["routes"]);
    const domains = texts(virtualHost["domains"]);
    const [primary = "*", ...others] = domains;
    const slow = routes.some((route) => delayMs(route) > 0);
    const mirrored = routes.some((route) => objects(at(route, "route")["requestMirrorPolicies"]).length > 0);
    const uncertain = routes.some(mayAbort);
    const call = (what: string, authority: string, least: number, more: Partial<TrafficRequest>, waits = slow): void => {
      const times = uncertain ? SHARES : least;
      const label = `${options.label} ${text(virtualHost["name"]) ?? ""} ${what}`;
      const request = options.make(authority, more);
      const givesUp = request.headers.some(([name]) => name === DELAY_HEADER);
      calls.push({ label, from: options.from, request, times, slow: waits, mirrored, givesUp });
    };
    for (const [index, route] of routes.entries()) {
      const sample = sampleOfMatch(at(route, "match"));
      if (sample === undefined) continue;
      const authority = sample.authority ?? sampleOfDomain(primary);
      const name = `route ${index}`;
      const more = { ...sampleParts(sample), ...editParts(route, virtualHost, sample) };
      call(name, authority, timesFor(route), { ...more, timeoutMs: patience(route) });
      for (const miss of nearMisses(sample)) call(`${name}, near miss`, miss.authority ?? authority, 3, sampleParts(miss));
      if (!slow && extras++ < MAX_EXTRAS) {
        for (const extra of extraRequests(route, sample))
          call(`${name}, ${extra.what}`, authority, 1, { ...sampleParts(sample), ...extra.more }, retriesLong(route));
      }
      for (const extra of corsRequests(route, sample))
        call(`${name}, ${extra.what}`, authority, 1, { ...sampleParts(sample), ...extra.more });
    }
    call("no such path", sampleOfDomain(primary), 2, { path: "/no/such/path?a=b", method: "POST" });
    const first = sampleOfMatch(at(routes[0] ?? {}, "match"));
    for (const domain of slow ? [] : others.slice(0, MAX_DOMAINS))
      call(`by ${domain}`, sampleOfDomain(domain), timesFor(routes[0] ?? {}), first === undefined ? {} : sampleParts(first));
  }
  const miss = options.make("no-such-host.example.org", { path: "/" });
  return [...calls, { label: `${options.label} no such host`, from: options.from, request: miss, times: 1 }];
}

export function sampleOfDomain(domain: string): string {
  if (domain === "*") return "any-host.example.org";
  return domain.startsWith("*") ? `sample${domain.slice(1)}` : domain.replace(/\*$/, "sample");
}

function sampleParts({ method, path, headers }: SampleRequest): Partial<TrafficRequest> {
  return { method, path, headers };
}

/** Headers that a route takes away have to be there first. */
function editParts(route: JsonObject, virtualHost: JsonObject, sample: SampleRequest): Partial<TrafficRequest> {
  const holders = [virtualHost, route, ...objects(at(route, "route", "weightedClusters")["clusters"])];
  const removed = (field: string): readonly string[] => [...new Set(holders.flatMap((holder) => texts(holder[field])))];
  const request = removed("requestHeadersToRemove").map((name) => [name, "to-be-removed"] as const);
  const response = Object.fromEntries(removed("responseHeadersToRemove").map((name) => [name, "to-be-removed"]));
  const answer = Object.keys(response).length === 0 ? [] : [[ANSWER_HEADER, JSON.stringify(response)] as const];
  return { headers: [...sample.headers, ...request, ...answer] };
}

function delayMs(route: JsonObject): number {
  return milliseconds(at(route, "typedPerFilterConfig", "envoy.filters.http.fault", "delay")["fixedDelay"]) ?? 0;
}

/** Back-off doubles with each try. */
function retriesLong(route: JsonObject): boolean {
  return (number(at(route, "route", "retryPolicy")["numRetries"]) ?? 0) > 2;
}

/** As long as the route may take when all goes well. */
function patience(route: JsonObject): number {
  return Math.min(delayMs(route), 10_000) + 4_000;
}

interface Extra {
  readonly what: string;
  readonly more: Partial<TrafficRequest>;
}

function extraRequests(route: JsonObject, sample: SampleRequest): readonly Extra[] {
  const action = at(route, "route");
  if (Object.keys(action).length === 0) return [];
  const extras: Extra[] = [
    { what: "503 from the server", more: { headers: [...sample.headers, [STATUS_HEADER, "503"]] } },
    { what: "500 from the server", more: { headers: [...sample.headers, [STATUS_HEADER, "500"]] } },
    { what: "another method", more: { method: "PUT" } },
  ];
  const timeout = milliseconds(action["timeout"]) ?? 0;
  const tries = (number(at(action, "retryPolicy")["numRetries"]) ?? 0) + 1;
  if (timeout > 0 && timeout <= LONGEST_TIMEOUT_MS) {
    const headers = [...sample.headers, [DELAY_HEADER, String(timeout + 400)] as const];
    extras.push({ what: "slower than the timeout", more: { headers, timeoutMs: timeout * tries + 4_000 } });
  }
  return extras;
}

function corsRequests(route: JsonObject, sample: SampleRequest): readonly Extra[] {
  const cors = at(route, "typedPerFilterConfig", "envoy.filters.http.cors");
  if (Object.keys(cors).length === 0) return [];
  const origins = objects(cors["allowOriginStringMatch"]).map((matcher) => sampleOfString(object(matcher)) ?? "https://other.example.org");
  return [...origins, "https://not-allowed.example.org"].flatMap((origin) => [
    {
      what: `preflight from ${origin}`,
      more: { method: "OPTIONS", headers: [...sample.headers, ["origin", origin], ["access-control-request-method", "GET"]] as const },
    },
    { what: `from ${origin}`, more: { headers: [...sample.headers, ["origin", origin]] as const } },
  ]);
}
