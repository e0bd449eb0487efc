// RouteMatch compiled: does this route take this request, and which part of the path did it match (what prefix_rewrite replaces).
import type { RouteMatch as RouteMatchMessage } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { UriTemplateMatchConfigSchema } from "#envoy/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb";
import { unpack } from "#envoy/any";
import { compileHeaderMatchers, compileQueryMatcher, queryParameters } from "#matcher/header-matcher";
import type { HeaderMatcher, QueryMatcher } from "#matcher/header-matcher";
import { compileMetadataMatcher } from "#matcher/metadata-matcher";
import type { MetadataMatcher } from "#matcher/metadata-matcher";
import { regexMatcher } from "#matcher/string-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower, wireText } from "#matcher/wire-text";
import { runtimeShare, shareNow } from "#proxy/runtime/runtime-fields";
import type { RouteInput } from "./route.ts";
import { compileUriTemplate } from "./uri-template.ts";
import type { UriTemplate } from "./uri-template.ts";

export interface PathMatch {
  /** `path` without query and fragment. */
  matches(path: string): boolean;
  /** Characters of the path that prefix_rewrite replaces: undefined means all. */
  readonly rewriteLength: number | undefined;
  readonly isConnect: boolean;
  /** What path_rewrite_policy goes by; undefined: the path is matched otherwise. */
  readonly template?: UriTemplate;
}

export interface RouteMatch {
  readonly path: PathMatch;
  /** `path` is the request's, without query and fragment, computed once for all routes. */
  matches(input: RouteInput, path: string): boolean;
}

export function pathOnly(pathWithQuery: string): string {
  for (let i = 0; i < pathWithQuery.length; i++) {
    const code = pathWithQuery.charCodeAt(i);
    if (code === 63 || code === 35) return pathWithQuery.slice(0, i);
  }
  return pathWithQuery;
}

export function compileRouteMatch(config: RouteMatchMessage, path: string, report: ReportViolation): RouteMatch {
  const pathMatch = compilePathMatch(config, path, report);
  const headers = compileHeaderMatchers(config.headers, `${path}.headers`, report);
  const queries = config.queryParameters.map((query, index) => compileQueryMatcher(query, `${path}.query_parameters[${index}]`, report));
  const metadata = config.dynamicMetadata.map((matcher, index) =>
    compileMetadataMatcher(matcher, `${path}.dynamic_metadata[${index}]`, report),
  );
  const share = config.runtimeFraction === undefined ? undefined : runtimeShare(config.runtimeFraction, 1);
  const grpc = config.grpc !== undefined;
  const presented = config.tlsContext?.presented;
  const validated = config.tlsContext?.validated;
  return {
    path: pathMatch,
    matches(input, pathText) {
      if (!pathMatch.isConnect && pathText === "") return false;
      if (pathMatch.isConnect && input.headers.method !== "CONNECT") return false;
      if (!pathMatch.matches(pathText)) return false;
      if (share !== undefined && input.randomValue >= shareNow(share, input.runtime)) return false;
      if (presented !== undefined && presented !== (input.clientCertificate !== undefined)) return false;
      if (validated !== undefined && validated !== (input.clientCertificate === "validated")) return false;
      if (grpc && !isGrpc(input.headers.get("content-type"))) return false;
      return allHeaders(headers, input) && allQueries(queries, input) && allMetadata(metadata, input);
    },
  };
}

function allHeaders(matchers: readonly HeaderMatcher[], input: RouteInput): boolean {
  for (let i = 0; i < matchers.length; i++) {
    if (!(matchers[i] as HeaderMatcher).matches(input.headers)) return false;
  }
  return true;
}

function allMetadata(matchers: readonly MetadataMatcher[], input: RouteInput): boolean {
  for (let i = 0; i < matchers.length; i++) {
    if (!(matchers[i] as MetadataMatcher).matches(input.dynamicMetadata)) return false;
  }
  return true;
}

function allQueries(matchers: readonly QueryMatcher[], input: RouteInput): boolean {
  if (matchers.length === 0) return true;
  const parameters = queryParameters(input.headers.path);
  return matchers.every((matcher) => matcher.matches(parameters));
}

function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith("application/grpc")) return false;
  const next = contentType[16];
  return next === undefined || next === "+" || next === ";";
}

function compilePathMatch(config: RouteMatchMessage, path: string, report: ReportViolation): PathMatch {
  const { pathSpecifier } = config;
  const ignoreCase = config.caseSensitive === false;
  const fold = ignoreCase ? asciiLower : (text: string): string => text;
  switch (pathSpecifier.case) {
    case "prefix": {
      const prefix = fold(wireText(pathSpecifier.value));
      return { matches: (text) => fold(text).startsWith(prefix), rewriteLength: prefix.length, isConnect: false };
    }
    case "path": {
      const exact = fold(wireText(pathSpecifier.value));
      // Its own length: the path may go on with parameters that are not looked at.
      return { matches: (text) => fold(text) === exact, rewriteLength: exact.length, isConnect: false };
    }
    case "pathSeparatedPrefix": {
      const prefix = fold(wireText(pathSpecifier.value));
      if (!/^\/[^?#]*[^?#/]$/.test(prefix)) {
        report(`${path}.path_separated_prefix`, 'must begin with "/", must not end with "/" and must not hold "?" or "#"');
      }
      const matches = (text: string): boolean =>
        text.length >= prefix.length && fold(text).startsWith(prefix) && (text.length === prefix.length || text[prefix.length] === "/");
      return { matches, rewriteLength: prefix.length, isConnect: false };
    }
    case "safeRegex": {
      const regex = regexMatcher(pathSpecifier.value.regex, `${path}.safe_regex`, report);
      return { matches: (text) => regex.matches(text), rewriteLength: undefined, isConnect: false };
    }
    case "connectMatcher":
      return { matches: () => true, rewriteLength: undefined, isConnect: true };
    case "pathMatchPolicy": {
      const template = compileMatchPolicy(pathSpecifier.value, `${path}.path_match_policy`, report);
      return {
        matches: (text) => template?.matches(text) ?? false,
        rewriteLength: undefined,
        isConnect: false,
        ...(template && { template }),
      };
    }
    case undefined:
      report(path, "needs one of prefix, path, safe_regex, path_separated_prefix, path_match_policy, connect_matcher");
      return { matches: () => false, rewriteLength: undefined, isConnect: false };
    default:
      return pathSpecifier satisfies never;
  }
}

function compileMatchPolicy({ name, typedConfig }: TypedExtensionConfig, path: string, report: ReportViolation): UriTemplate | undefined {
  try {
    const wire = unpack(typedConfig, UriTemplateMatchConfigSchema);
    if (wire !== undefined) return compileUriTemplate(wire.pathTemplate, `${path}.typed_config.path_template`, report);
    report(path, `"${name}" is not known to this proxy`);
  } catch (error) {
    report(path, `is not a valid UriTemplateMatchConfig: ${String(error)}`);
  }
  return undefined;
}
