// host_rewrite_*: what the request's authority becomes. auto_host_rewrite is the router's, which alone knows the host.
import type { RouteAction } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { headerReader } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower, wireText } from "#matcher/wire-text";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { compileSubstitution } from "./path-rewrite.ts";
import { pathOnly } from "./route-match.ts";

/** The new authority; undefined or "": it stays. */
export type HostRewrite = (headers: RequestHeaderMap) => string | undefined;

export function compileHostRewrite(action: RouteAction, path: string, report: ReportViolation): HostRewrite | undefined {
  const { hostRewriteSpecifier: specifier } = action;
  switch (specifier.case) {
    case "hostRewriteLiteral": {
      const host = wireText(specifier.value);
      if (/[\0-\x20\x7f]/.test(host)) report(`${path}.host_rewrite_literal`, "must not hold spaces or control characters");
      return host === "" ? undefined : () => host;
    }
    case "hostRewriteHeader":
      return headerReader(asciiLower(specifier.value));
    case "hostRewritePathRegex": {
      const rewrite = compileSubstitution(specifier.value, `${path}.host_rewrite_path_regex`, report);
      return (headers) => rewrite(pathOnly(headers.path));
    }
    case "autoHostRewrite":
    case undefined:
      return undefined;
    default:
      return specifier satisfies never;
  }
}

/** Sets the authority; the old one is kept for logs and, where configured, for the application. */
export function replaceAuthority(headers: RequestHeaderMap, host: string, appendForwardedHost: boolean): void {
  const old = headers.authority;
  if (appendForwardedHost && old !== "") {
    const before = headers.getJoined("x-forwarded-host");
    headers.set("x-forwarded-host", before === undefined ? old : `${before},${old}`);
  }
  if (old !== "") headers.set("x-envoy-original-host", old);
  headers.authority = host;
}
