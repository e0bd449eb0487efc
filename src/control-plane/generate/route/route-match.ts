// HTTPMatchRequest to Envoy's RouteMatch. Conditions on the caller (labels, namespace, gateways, port) are not in here: they are
// decided while generating and never reach the proxy.
import { create } from "@bufbuild/protobuf";
import {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
  type HeaderMatcher,
  type RouteMatch,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { HTTPMatchRequest, StringMatch } from "#api/virtual-service";
import { asksForPresence, stringMatcher } from "./string-matcher.ts";

export function routeMatch(match: HTTPMatchRequest | undefined): RouteMatch {
  if (match === undefined) return create(RouteMatchSchema, { pathSpecifier: { case: "prefix", value: "/" } });
  const headers = [
    ...Object.entries(match.headers ?? {}).map(([name, value]) => headerMatcher(name, value)),
    ...Object.entries(match.withoutHeaders ?? {}).map(([name, value]) => absentHeaderMatcher(name, value)),
  ].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (match.method !== undefined) headers.push(headerMatcher(":method", match.method));
  if (match.authority !== undefined) headers.push(headerMatcher(":authority", match.authority));
  if (match.scheme !== undefined) headers.push(headerMatcher(":scheme", match.scheme));
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(match.uri),
    caseSensitive: match.ignoreUriCase !== true,
    headers,
    queryParameters: Object.entries(match.queryParams ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) =>
        create(QueryParameterMatcherSchema, {
          name,
          queryParameterMatchSpecifier: asksForPresence(value)
            ? { case: "presentMatch", value: true }
            : { case: "stringMatch", value: stringMatcher(value) },
        }),
      ),
  });
}

function pathSpecifier(uri: StringMatch | undefined): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.regex !== undefined) {
    const matcher = stringMatcher(uri).matchPattern;
    if (matcher.case === "safeRegex") return { case: "safeRegex", value: matcher.value };
  }
  return { case: "prefix", value: uri?.prefix ?? "/" };
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
  if (match === undefined || match.headers.length > 0 || match.queryParameters.length > 0) return false;
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
