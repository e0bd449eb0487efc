// envoy.config.route.v3.HeaderMatcher and QueryParameterMatcher, compiled once. All kinds, the deprecated forms too: Envoy's
// consequences are matched: a missing header never matches a value, inverted or not.
import type { HeaderMatcher as HeaderMatcherMessage, QueryParameterMatcher } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { compileStringMatcher, exact, partial, regexMatcher } from "./string-matcher.ts";
import type { ReportViolation, StringMatcher } from "./string-matcher.ts";
import { asciiLower } from "./wire-text.ts";

/** The part of a request's header map that matchers look at. */
export interface MatchableHeaders {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly scheme: string;
  getAll(name: string): readonly string[];
  getJoined(name: string): string | undefined;
}

/** Headers that Envoy keeps in a fixed place, where the values of several lines become one; of all others each line is a value. */
const ONE_VALUE: ReadonlySet<string> = new Set(
  [
    "accept accept-encoding authorization cache-control connection content-encoding content-length content-type cookie date etag expect",
    "grpc-message grpc-status grpc-timeout keep-alive location origin proxy-connection server te transfer-encoding upgrade user-agent vary",
    "via x-client-trace-id x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id",
  ].flatMap((line) => line.split(" ")),
);

export interface HeaderMatcher {
  matches(headers: MatchableHeaders): boolean;
}

/** Reads one header by its lower-case name; pseudo headers and `host` are fields of the map. */
export function headerReader(name: string): (headers: MatchableHeaders) => string | undefined {
  switch (name) {
    case ":method":
      return (headers) => headers.method;
    case ":path":
      return (headers) => (headers.path === "" ? undefined : headers.path);
    case ":authority":
    case "host":
      return (headers) => (headers.authority === "" ? undefined : headers.authority);
    case ":scheme":
      return (headers) => (headers.scheme === "" ? undefined : headers.scheme);
    default:
      return (headers) => headers.getJoined(name);
  }
}

export function compileHeaderMatcher(config: HeaderMatcherMessage, path: string, report: ReportViolation): HeaderMatcher {
  if (config.name === "") report(`${path}.name`, "must not be empty");
  const read = headerReader(asciiLower(config.name));
  const invert = config.invertMatch;
  const { headerMatchSpecifier: kind } = config;
  if (kind.case === undefined || kind.case === "presentMatch") {
    // No specifier at all means "is there". treat_missing_header_as_empty makes every header present.
    const wanted = (kind.case === undefined ? true : kind.value) !== invert;
    const always = config.treatMissingHeaderAsEmpty;
    return { matches: (headers) => (always || read(headers) !== undefined) === wanted };
  }
  const value = compileValue(config, path, report);
  const name = asciiLower(config.name);
  if (!name.startsWith(":") && name !== "host" && !name.startsWith("x-envoy-") && !ONE_VALUE.has(name))
    return eachLineMatcher(name, value, config);
  if (config.treatMissingHeaderAsEmpty) return { matches: (headers) => value.matches(read(headers) ?? "") !== invert };
  return {
    matches(headers) {
      const text = read(headers);
      // A header that is not there matches neither the matcher nor its inversion: that is what treat_missing_header_as_empty is for.
      return text !== undefined && value.matches(text) !== invert;
    },
  };
}

/** One line that matches is enough, and too much for an inverted matcher. */
function eachLineMatcher(
  name: string,
  value: StringMatcher,
  { invertMatch: invert, treatMissingHeaderAsEmpty }: HeaderMatcherMessage,
): HeaderMatcher {
  return {
    matches(headers) {
      const lines = headers.getAll(name);
      if (lines.length === 0) return treatMissingHeaderAsEmpty && value.matches("") !== invert;
      for (let i = 0; i < lines.length; i++) if (value.matches(lines[i]!)) return !invert;
      return invert;
    },
  };
}

function compileValue(config: HeaderMatcherMessage, path: string, report: ReportViolation): StringMatcher {
  const { headerMatchSpecifier: kind } = config;
  switch (kind.case) {
    case "exactMatch":
      return exact(kind.value, false);
    case "prefixMatch":
      return partial("prefix", kind.value, false);
    case "suffixMatch":
      return partial("suffix", kind.value, false);
    case "containsMatch":
      return partial("contains", kind.value, false);
    case "safeRegexMatch":
      return regexMatcher(kind.value.regex, `${path}.safe_regex_match`, report);
    case "stringMatch":
      return compileStringMatcher(kind.value, `${path}.string_match`, report);
    case "rangeMatch": {
      const { start, end } = kind.value;
      return {
        matches(value) {
          // Whole decimal numbers of 64 bits only, as absl::SimpleAtoi reads them.
          if (value.length === 0 || value.length > 20 || !/^[+-]?\d+$/.test(value)) return false;
          const number = BigInt(value.startsWith("+") ? value.slice(1) : value);
          return number >= start && number < end;
        },
      };
    }
    default:
      return { matches: () => true };
  }
}

/** All must match, in order. */
export function compileHeaderMatchers(
  configs: readonly HeaderMatcherMessage[],
  path: string,
  report: ReportViolation,
): readonly HeaderMatcher[] {
  return configs.map((config, index) => compileHeaderMatcher(config, `${path}[${index}]`, report));
}

export interface QueryMatcher {
  /** `parameters`: the first value of each name, undecoded, as Envoy keeps them. */
  matches(parameters: ReadonlyMap<string, string>): boolean;
}

export function compileQueryMatcher(config: QueryParameterMatcher, path: string, report: ReportViolation): QueryMatcher {
  const { name, queryParameterMatchSpecifier: kind } = config;
  if (name === "") report(`${path}.name`, "must not be empty");
  if (kind.case === "stringMatch") {
    const value = compileStringMatcher(kind.value, `${path}.string_match`, report);
    return {
      matches(parameters) {
        const text = parameters.get(name);
        return text !== undefined && value.matches(text);
      },
    };
  }
  const wanted = kind.case === "presentMatch" ? kind.value : true;
  return { matches: (parameters) => parameters.has(name) === wanted };
}

/** More parameters than this are not looked at; a request line is bounded anyway. */
const MAX_QUERY_PARAMETERS = 1_000;

/** Parameters of a path's query string; of a repeated one the first counts. */
export function queryParameters(path: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let start = path.indexOf("?");
  if (start < 0) return parameters;
  const fragment = path.indexOf("#", start);
  const end = fragment < 0 ? path.length : fragment;
  for (let seen = 0; start < end && seen < MAX_QUERY_PARAMETERS; seen++) {
    let next = path.indexOf("&", start + 1);
    if (next < 0 || next > end) next = end;
    const pair = path.slice(start + 1, next);
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!parameters.has(name)) parameters.set(name, equals < 0 ? "" : pair.slice(equals + 1));
    start = next;
  }
  return parameters;
}
