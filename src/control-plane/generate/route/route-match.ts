// HTTPMatchRequest to Envoy's RouteMatch. Conditions on the caller (labels, namespace, gateways, port) are not in here: they are
// decided while generating and never reach the proxy.
import { create } from "@bufbuild/protobuf";
import {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
  type HeaderMatcher,
  type QueryParameterMatcher,
  type RouteMatch,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ApiObject } from "#api/object";
import type { HTTPMatchRequest, StringMatch } from "#api/virtual-service";
import { claimMatcher, claimPath } from "./claim-match.ts";
import { asksForPresence, stringMatcher } from "./string-matcher.ts";

/** How a path prefix is read: by characters as VirtualServices mean it, or by whole segments as Ingress and HTTPRoute do. */
export type PathRules = "characters" | "segments";

const SEMANTICS_ANNOTATION = "internal.istio.io/route-semantics";

/** VirtualServices that were made from other kinds say so in an annotation. */
export function pathRules(virtualService: ApiObject): PathRules {
  const semantics = virtualService.metadata.annotations[SEMANTICS_ANNOTATION];
  return semantics === "ingress" || semantics === "gateway" ? "segments" : "characters";
}

export function routeMatch(match: HTTPMatchRequest | undefined, rules: PathRules): RouteMatch {
  const result = create(RouteMatchSchema, { pathSpecifier: pathSpecifier(match?.uri, rules) });
  if (match === undefined) return result;
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    const claim = claimPath(name);
    if (claim === undefined) result.headers.push(headerMatcher(name, value));
    else result.dynamicMetadata.push(claimMatcher(claim, value, false));
  }
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {})) {
    const claim = claimPath(name);
    if (claim === undefined) result.headers.push(absentHeaderMatcher(name, value));
    else result.dynamicMetadata.push(claimMatcher(claim, value, true));
  }
  result.headers.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (match.method !== undefined) result.headers.push(headerMatcher(":method", match.method));
  if (match.authority !== undefined) result.headers.push(headerMatcher(":authority", match.authority));
  if (match.scheme !== undefined) result.headers.push(headerMatcher(":scheme", match.scheme));
  result.caseSensitive = match.ignoreUriCase !== true;
  result.queryParameters = Object.entries(match.queryParams ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => queryParameterMatcher(name, value));
  return result;
}

function queryParameterMatcher(name: string, match: StringMatch): QueryParameterMatcher {
  return create(QueryParameterMatcherSchema, {
    name,
    queryParameterMatchSpecifier: asksForPresence(match)
      ? { case: "presentMatch", value: true }
      : { case: "stringMatch", value: stringMatcher(match) },
  });
}

function pathSpecifier(uri: StringMatch | undefined, rules: PathRules): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.regex !== undefined) {
    const matcher = stringMatcher(uri).matchPattern;
    if (matcher.case === "safeRegex") return { case: "safeRegex", value: matcher.value };
  }
  const prefix = uri?.prefix ?? "/";
  // `/foo` by segments is /foo and /foo/bar, but not /foobar; Envoy wants it without a slash at the end.
  if (rules === "segments" && prefix !== "/") return { case: "pathSeparatedPrefix", value: prefix.replace(/\/$/u, "") };
  return { case: "prefix", value: prefix };
}

function headerMatcher(name: string, match: StringMatch): HeaderMatcher {
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier: asksForPresence(match)
      ? { case: "presentMatch", value: true }
      : { case: "stringMatch", value: stringMatcher(match) },
  });
}

function absentHeaderMatcher(name: string, match: StringMatch): HeaderMatcher {
  const matcher = headerMatcher(name, match);
  matcher.invertMatch = true;
  // Without this a request that lacks the header would fail "the header is not x".
  if (!asksForPresence(match)) matcher.treatMissingHeaderAsEmpty = true;
  return matcher;
}

/** True when nothing gets past this match: no route after it can be reached. */
export function isCatchAll(match: RouteMatch | undefined): boolean {
  if (match === undefined || match.headers.length > 0 || match.queryParameters.length > 0 || match.dynamicMetadata.length > 0) return false;
  const path = match.pathSpecifier;
  return (path.case === "prefix" && path.value === "/") || (path.case === "safeRegex" && path.value.regex === ".*");
}

/** The path of a route's trace operation: `/api*`, `/exact`, `/re[0-9]+`. */
export function operationPath(match: RouteMatch): string {
  const path = match.pathSpecifier;
  if (path.case === "prefix") return `${path.value}*`;
  if (path.case === "path") return path.value;
  if (path.case === "safeRegex") return path.value.regex;
  return "/*";
}
