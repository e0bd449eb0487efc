// Whether the proxy follows a redirect of an upstream itself, and what the next request is then. The checks and their order are Envoy's.
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { RouteEntry } from "#proxy/route/route";
import type { ClusterStats } from "#proxy/cluster/cluster-stats";
import type { RedirectHistory } from "#proxy/http/redirect-history";
import type { TerminalStream } from "#proxy/http/terminal-filter";

interface Target {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly path: string;
}

/**
 * Changes the request's headers to those of the next request. False: they are as before, and the redirect goes to the client.
 * `replayable`: all of the request is still there.
 */
export function redirectInternally(
  headers: RequestHeaderMap,
  response: ResponseHeaderMap,
  route: RouteEntry,
  stream: RedirectedStream,
  cluster: Pick<ClusterStats, "internalRedirectSucceeded" | "internalRedirectFailed">,
  replayable: boolean,
): boolean {
  const followed = replayable && changeRequest(headers, response, route, stream);
  (followed ? cluster.internalRedirectSucceeded : cluster.internalRedirectFailed).inc();
  return followed;
}

type RedirectedStream = Pick<TerminalStream, "connection" | "stats" | "redirects" | "route" | "clearRouteCache">;

function changeRequest(headers: RequestHeaderMap, response: ResponseHeaderMap, route: RouteEntry, stream: RedirectedStream): boolean {
  const { stats, redirects: history } = stream;
  const policy = route.internalRedirect;
  if (policy === undefined) return false;
  const routeAgain = (): RouteEntry | undefined => {
    stream.clearRouteCache();
    return stream.route();
  };
  const location = response.get("location");
  if (location === undefined) return false;
  const target = parseLocation(location);
  if (target === undefined) {
    stats.redirectBadLocation.inc();
    return false;
  }
  const { scheme } = headers;
  // Whatever a configuration made of :scheme, what came without TLS came by http.
  const from = stream.connection.tls === undefined ? "http" : scheme;
  if (!policy.crossScheme && from !== target.scheme) {
    stats.redirectUnsafeScheme.inc();
    return false;
  }
  if (history.count >= policy.maxRedirects) {
    stats.redirectTooMany.inc();
    return false;
  }
  const { authority, path, method } = headers;
  const copied = policy.headersToCopy.map((name) => [name, headers.getAll(name)] as const);
  for (const [name] of copied) replaceAll(headers, name, response.getAll(name));
  headers.scheme = target.scheme;
  headers.authority = target.authority;
  headers.path = target.path;
  const refusal = refusalOf(route, routeAgain(), from, target.scheme, history);
  if (refusal !== undefined) {
    stats[refusal].inc();
    for (const [name, values] of copied) replaceAll(headers, name, values);
    headers.scheme = scheme;
    headers.authority = authority;
    headers.path = path;
    routeAgain();
    return false;
  }
  if (response.status === 303 && method !== "GET" && method !== "HEAD") {
    headers.method = "GET";
    headers.remove("content-length");
    headers.remove("transfer-encoding");
  }
  history.count++;
  headers.set("x-envoy-original-url", `${from}://${authority}${path}`);
  return true;
}

function refusalOf(
  from: RouteEntry,
  to: RouteEntry | undefined,
  fromScheme: string,
  toScheme: string,
  history: RedirectHistory,
): "redirectNoRoute" | "redirectPredicate" | undefined {
  const { newRoutesOnly, allowedRoutes, safeCrossScheme } = from.internalRedirect!;
  if (to === undefined) return "redirectNoRoute";
  if (newRoutesOnly && !history.take(from.name, to.name)) return "redirectPredicate";
  if (allowedRoutes?.has(to.name) === false) return "redirectPredicate";
  if (safeCrossScheme && fromScheme !== "https" && toScheme === "https") return "redirectPredicate";
  return undefined;
}

function replaceAll(headers: RequestHeaderMap, name: string, values: readonly string[]): void {
  headers.remove(name);
  for (const value of values) headers.add(name, value);
}

/** An absolute URL; its fragment is the client's own business. */
function parseLocation(location: string): Target | undefined {
  const found = /^(https?):\/\/([^/?#\s]+)([^#\s]*)/i.exec(location);
  if (found === null) return undefined;
  const [, scheme = "", authority = "", rest = ""] = found;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return { scheme: scheme.toLowerCase() === "https" ? "https" : "http", authority, path };
}
