// RouteAction.internal_redirect_policy, compiled: which redirects of an upstream the proxy follows itself.
import type { InternalRedirectPolicy as PolicyMessage } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { AllowListedRoutesConfigSchema } from "#envoy/gen/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb";
import { PreviousRoutesConfigSchema } from "#envoy/gen/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb";
import { SafeCrossSchemeConfigSchema } from "#envoy/gen/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb";
import { nameOf, unpack } from "#envoy/any";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";

export interface InternalRedirectPolicy {
  readonly maxRedirects: number;
  readonly statuses: ReadonlySet<number>;
  readonly crossScheme: boolean;
  /** previous_routes: no route is taken twice from this one. */
  readonly newRoutesOnly: boolean;
  /** allow_listed_routes; undefined: all. */
  readonly allowedRoutes: ReadonlySet<string> | undefined;
  /** safe_cross_scheme: from HTTP to HTTPS never. */
  readonly safeCrossScheme: boolean;
  /** Lower case: taken over from the response to the next request, or taken out of that. */
  readonly headersToCopy: readonly string[];
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function compileInternalRedirectPolicy(
  config: PolicyMessage | undefined,
  path: string,
  report: ReportViolation,
): InternalRedirectPolicy | undefined {
  if (config === undefined) return undefined;
  for (const status of config.redirectResponseCodes) {
    // As Envoy: what is no redirect is left out.
    if (status < 100 || status > 599) report(`${path}.redirect_response_codes`, `${status} is not a status`);
  }
  const statuses = config.redirectResponseCodes.filter((status) => REDIRECTS.has(status));
  let newRoutesOnly = false;
  let safeCrossScheme = false;
  let allowedRoutes: Set<string> | undefined;
  for (const [index, { name, typedConfig }] of config.predicates.entries()) {
    const at = `${path}.predicates[${index}]`;
    try {
      switch (nameOf(typedConfig?.typeUrl ?? "")) {
        case PreviousRoutesConfigSchema.typeName:
          newRoutesOnly = true;
          break;
        case SafeCrossSchemeConfigSchema.typeName:
          safeCrossScheme = true;
          break;
        case AllowListedRoutesConfigSchema.typeName: {
          const names = unpack(typedConfig, AllowListedRoutesConfigSchema)?.allowedRouteNames ?? [];
          const before = allowedRoutes;
          allowedRoutes = new Set(before === undefined ? names : names.filter((one) => before.has(one)));
          break;
        }
        default:
          report(at, `"${name}" is not known to this proxy`);
      }
    } catch (error) {
      report(at, `is not valid: ${String(error)}`);
    }
  }
  return Object.freeze({
    maxRedirects: config.maxInternalRedirects ?? 1,
    statuses: config.redirectResponseCodes.length === 0 ? new Set([302]) : new Set(statuses),
    crossScheme: config.allowCrossSchemeRedirect,
    newRoutesOnly,
    allowedRoutes,
    safeCrossScheme,
    headersToCopy: config.responseHeadersToCopy.map((name) => asciiLower(name)),
  });
}
