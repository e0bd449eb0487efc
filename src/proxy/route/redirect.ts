// RedirectAction compiled: the Location of the answer, by Envoy's rules.
import type { RedirectAction } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RedirectAction_RedirectResponseCode as Code } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { wireText } from "#matcher/wire-text";
import type { LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { prefixRewrite, regexRewrite } from "./path-rewrite.ts";
import type { PathRewrite } from "./path-rewrite.ts";
import type { PathMatch } from "./route-match.ts";
import { withoutPort } from "./virtual-host-index.ts";

export type Redirect = (headers: RequestHeaderMap) => LocalReply;

const STATUS: Readonly<Record<Code, number>> = {
  [Code.MOVED_PERMANENTLY]: 301,
  [Code.FOUND]: 302,
  [Code.SEE_OTHER]: 303,
  [Code.TEMPORARY_REDIRECT]: 307,
  [Code.PERMANENT_REDIRECT]: 308,
};

function redirectReply(status: number, location: string | undefined): LocalReply {
  const headers: LocalReply["headers"] = location === undefined ? [] : [["location", location]];
  return { kind: "local-reply", status, body: "", flag: undefined, details: "direct_response", headers };
}

/** What require_tls answers: the same address with https. A CONNECT has no path, and so no address to go to. */
export const httpsRedirect: Redirect = (headers) =>
  redirectReply(301, headers.path === "" ? undefined : `https://${headers.authority}${headers.path}`);

export function compileRedirect(config: RedirectAction, match: PathMatch, path: string, report: ReportViolation): Redirect {
  const status = STATUS[config.responseCode];
  if (status === undefined) report(`${path}.response_code`, `${config.responseCode} is not known`);
  const { schemeRewriteSpecifier: scheme } = config;
  const newScheme =
    scheme.case === "schemeRedirect" ? wireText(scheme.value) : scheme.case === "httpsRedirect" && scheme.value ? "https" : "";
  const newHost = wireText(config.hostRedirect);
  const newPort = config.portRedirect === 0 ? "" : `:${config.portRedirect}`;
  if (config.portRedirect > 65_535) report(`${path}.port_redirect`, `${config.portRedirect} is not a port`);
  const newPath = compilePath(config, match, path, report);
  return (headers) => {
    const finalScheme = newScheme === "" ? headers.scheme : newScheme;
    const host = newHost === "" ? hostOfRequest(headers, finalScheme, newPort) : newHost;
    return redirectReply(status ?? 301, `${finalScheme}://${host}${newPort}${newPath(headers.path)}`);
  };
}

/** The request's host. Its port goes when another is set, or when it was the default of a scheme that changes. */
function hostOfRequest(headers: RequestHeaderMap, finalScheme: string, newPort: string): string {
  const { authority, scheme } = headers;
  const host = withoutPort(authority);
  if (host.length === authority.length) return authority;
  const port = authority.slice(host.length);
  const defaultPort = (scheme === "http" && port === ":80") || (scheme === "https" && port === ":443");
  return newPort !== "" || (finalScheme !== scheme && defaultPort) ? host : authority;
}

function compilePath(config: RedirectAction, match: PathMatch, path: string, report: ReportViolation): (path: string) => string {
  const { pathRewriteSpecifier: specifier, stripQuery } = config;
  if (specifier.case === "pathRedirect" && specifier.value !== "") {
    const target = wireText(specifier.value);
    // A query of its own wins over the request's, and strip_query does not touch it.
    if (target.includes("?") || stripQuery) return () => target;
    return (requestPath) => target + queryOf(requestPath);
  }
  let rewrite: PathRewrite | undefined;
  if (specifier.case === "prefixRewrite" && specifier.value !== "") rewrite = prefixRewrite(match, specifier.value);
  else if (specifier.case === "regexRewrite") rewrite = regexRewrite(specifier.value, `${path}.regex_rewrite`, report);
  return (requestPath) => {
    const target = rewrite?.(requestPath) ?? requestPath;
    return stripQuery ? target.slice(0, target.length - queryOf(target).length) : target;
  };
}

function queryOf(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? "" : path.slice(query);
}
