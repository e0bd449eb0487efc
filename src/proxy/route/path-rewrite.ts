// Path rewriting, for routes and redirects alike: the matched part replaced by a prefix, or a regex over the whole path.
// Query and fragment always stay.
import type { RegexMatchAndSubstitute } from "#envoy/gen/envoy/type/matcher/v3/regex_pb";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { UriTemplateRewriteConfigSchema } from "#envoy/gen/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb";
import { unpack } from "#envoy/any";
import { checkSubstitution, compileRegex } from "#matcher/regex";
import type { ReportViolation } from "#matcher/string-matcher";
import { wireText } from "#matcher/wire-text";
import { pathOnly } from "./route-match.ts";
import type { PathMatch } from "./route-match.ts";

/** The new path with query, or undefined when it stays as it is. */
export type PathRewrite = (pathWithQuery: string) => string | undefined;

export type TextRewrite = (text: string) => string;

export function compileSubstitution(config: RegexMatchAndSubstitute, path: string, report: ReportViolation): TextRewrite {
  const pattern = config.pattern?.regex ?? "";
  if (pattern === "") {
    report(`${path}.pattern.regex`, "must not be empty");
    return (text) => text;
  }
  try {
    const regex = compileRegex(pattern);
    checkSubstitution(pattern, config.substitution);
    const substitution = wireText(config.substitution);
    return (text) => regex.replaceAll(text, substitution);
  } catch (error) {
    report(path, error instanceof Error ? error.message : String(error));
    return (text) => text;
  }
}

export function prefixRewrite(match: PathMatch, replacement: string): PathRewrite {
  const wire = wireText(replacement);
  const { rewriteLength } = match;
  return (pathWithQuery) => {
    const length = rewriteLength ?? pathOnly(pathWithQuery).length;
    return wire + pathWithQuery.slice(length);
  };
}

export function regexRewrite(config: RegexMatchAndSubstitute, path: string, report: ReportViolation): PathRewrite {
  const rewrite = compileSubstitution(config, path, report);
  return (pathWithQuery) => {
    const before = pathOnly(pathWithQuery);
    const after = rewrite(before);
    // An empty result would be no path at all; Envoy leaves the path alone then.
    return after === "" ? undefined : after + pathWithQuery.slice(before.length);
  };
}

/** path_rewrite_policy. */
export function templateRewrite(
  { name, typedConfig }: TypedExtensionConfig,
  { template }: PathMatch,
  path: string,
  report: ReportViolation,
): PathRewrite | undefined {
  try {
    const wire = unpack(typedConfig, UriTemplateRewriteConfigSchema);
    if (wire === undefined) report(path, `"${name}" is not known to this proxy`);
    else if (template === undefined) report(path, "needs a path_match_policy");
    else {
      const rewrite = template.compileRewrite(wire.pathTemplateRewrite);
      return (pathWithQuery) => {
        const before = pathOnly(pathWithQuery);
        return rewrite(before) + pathWithQuery.slice(before.length);
      };
    }
  } catch (error) {
    report(path, error instanceof Error ? error.message : String(error));
  }
  return undefined;
}
