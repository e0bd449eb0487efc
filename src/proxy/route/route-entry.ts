// One route, compiled: what match() hands out. Nothing of a request is kept in it.
import type {
  DirectResponseAction,
  Route,
  RouteAction,
  RouteAction_MaxStreamDuration,
  VirtualHost,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RoutingPriority } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { RouteAction_ClusterNotFoundResponseCode as NotFound } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { durationMs } from "#envoy/duration";
import { wireText } from "#matcher/wire-text";
import { readDataSource } from "#proxy/transport-socket/data-source";
import type { Violations } from "#proxy/field-check";
import { compileClusterChoice } from "./cluster-choice.ts";
import { compileFilterConfigs } from "./filter-config.ts";
import type { FilterConfigs } from "./filter-config.ts";
import { compileHeaderMutation } from "./header-mutation.ts";
import { compileHashPolicy } from "./hash-policy.ts";
import { compileMirrorPolicies } from "./mirror-policy.ts";
import type { MirrorPolicy } from "./mirror-policy.ts";
import { compileHostRewrite, replaceAuthority } from "./host-rewrite.ts";
import type { HostRewrite } from "./host-rewrite.ts";
import { prefixRewrite, regexRewrite, templateRewrite } from "./path-rewrite.ts";
import type { PathRewrite } from "./path-rewrite.ts";
import { compileRateLimits } from "./rate-limit-actions.ts";
import type { RateLimitEntry, RateLimits } from "./rate-limit-actions.ts";
import { compileHedgePolicy } from "./hedge-policy.ts";
import { compileInternalRedirectPolicy } from "./internal-redirect-policy.ts";
import type { VirtualClusterOf } from "./virtual-cluster.ts";
import { compileRedirect } from "./redirect.ts";
import { compileRetryPolicy } from "./retry-policy.ts";
import { compileUpgrades } from "./upgrade-config.ts";
import { compileTraceSampling } from "./trace-sampling.ts";
import { compileRouteMatch } from "./route-match.ts";
import type { PathMatch, RouteMatch } from "./route-match.ts";
import type { HeaderMutation, RetryPolicy, RouteEntry, RouteInput } from "./route.ts";
import type { RouteTableOptions } from "./route-table.ts";

/** What all routes of a table and of a virtual host share. */
export interface RouteScope {
  readonly options: RouteTableOptions;
  readonly maxDirectResponseBytes: number;
  readonly mostSpecificWins: boolean;
  readonly tableMutation: HeaderMutation | undefined;
  readonly tableFilters: FilterConfigs;
  /** Of routes that have none of their own; of a virtual host its own, else those of the table. */
  readonly mirrors: readonly MirrorPolicy[] | undefined;
}

export interface VirtualHostScope extends RouteScope {
  readonly config: VirtualHost;
  readonly mutation: HeaderMutation | undefined;
  readonly filters: FilterConfigs;
  readonly rateLimits: readonly RateLimitEntry[];
  readonly retry: RetryPolicy | undefined;
  readonly virtualCluster: VirtualClusterOf;
  readonly hedgeOnPerTryTimeout: boolean;
}

/** Envoy's default when a route says nothing. */
const DEFAULT_TIMEOUT_MS = 15_000;
const NOT_FOUND_STATUS: Readonly<Record<NotFound, number>> = {
  [NotFound.SERVICE_UNAVAILABLE]: 503,
  [NotFound.NOT_FOUND]: 404,
  [NotFound.INTERNAL_SERVER_ERROR]: 500,
};

export function compileRoute(
  config: Route,
  scope: VirtualHostScope,
  path: string,
  violations: Violations,
): { match: RouteMatch; entry: RouteEntry } {
  const report = violations.add;
  if (config.match === undefined) report(`${path}.match`, "is missing");
  const match: RouteMatch =
    config.match === undefined
      ? { path: { matches: () => false, rewriteLength: undefined, isConnect: false }, matches: () => false }
      : compileRouteMatch(config.match, `${path}.match`, report);
  const mutation = compileHeaderMutation(config, path, report);
  // In Envoy's default order the least specific level speaks last and so wins.
  const levels = [mutation, scope.mutation, scope.tableMutation].filter((level) => level !== undefined);
  if (scope.mostSpecificWins) levels.reverse();
  const filterConfig = compileFilterConfigs(config.typedPerFilterConfig, scope.options.filters, path, violations)
    .over(scope.filters)
    .over(scope.tableFilters);
  const action = compileAction(config, match.path, scope, path, violations);
  const entry: RouteEntry = {
    name: config.name,
    virtualHost: scope.config.name,
    statPrefix: config.statPrefix,
    metadata: config.metadata?.filterMetadata ?? {},
    virtualHostMetadata: scope.config.metadata?.filterMetadata ?? {},
    decorator: compileDecorator(config),
    filterConfig,
    rateLimits: compileRouteLimits(config, scope, path, violations),
    weightedFilterConfig: hasWeightedConfig(config) ? weightedFilterConfig(action.chooseCluster, filterConfig) : undefined,
    ...action,
    finalizeRequest(headers, info, choice) {
      choice.requestMutation?.applyToRequest(headers, info);
      // As in Envoy, without x-envoy-original-host.
      if (choice.hostRewrite !== undefined) headers.authority = choice.hostRewrite;
      for (let i = 0; i < levels.length; i++) (levels[i] as HeaderMutation).applyToRequest(headers, info);
      const host = action.hostRewrite?.(headers);
      if (host !== undefined && host !== "") replaceAuthority(headers, host, action.appendForwardedHost);
      const newPath = action.pathRewrite?.(headers.path);
      if (newPath !== undefined) {
        headers.set("x-envoy-original-path", headers.path);
        headers.path = newPath;
      }
    },
    finalizeResponse(headers, info, choice) {
      choice?.responseMutation?.applyToResponse(headers, info);
      for (let i = 0; i < levels.length; i++) (levels[i] as HeaderMutation).applyToResponse(headers, info);
    },
    includeAttemptCountInRequest: scope.config.includeRequestAttemptCount,
    includeAttemptCountInResponse: scope.config.includeAttemptCountInResponse,
    includeTimeoutRetryInRequest: scope.config.includeIsTimeoutRetryHeader,
    virtualCluster: scope.virtualCluster,
    perRequestBufferLimitBytes: config.perRequestBufferLimitBytes ?? scope.config.perRequestBufferLimitBytes ?? Number.POSITIVE_INFINITY,
    traceSampling: compileTraceSampling(config.tracing),
  };
  return { match, entry };
}

function compileRouteLimits({ action }: Route, scope: VirtualHostScope, path: string, violations: Violations): RateLimits | undefined {
  const { rateLimits: virtualHost } = scope;
  if (action.case !== "route") return undefined;
  const route = compileRateLimits(action.value.rateLimits, `${path}.route.rate_limits`, violations.add);
  if (route.length === 0 && virtualHost.length === 0) return undefined;
  return { route, virtualHost, includeVirtualHost: action.value.includeVhRateLimits ?? false };
}

function hasWeightedConfig({ action }: Route): boolean {
  const specifier = action.case === "route" ? action.value.clusterSpecifier : undefined;
  return specifier?.case === "weightedClusters" && specifier.value.clusters.some((one) => Object.keys(one.typedPerFilterConfig).length > 0);
}

function weightedFilterConfig(chooseCluster: RouteEntry["chooseCluster"], behind: FilterConfigs): (input: RouteInput) => FilterConfigs {
  const merged = new Map<FilterConfigs, FilterConfigs>();
  return (input) => {
    const own = chooseCluster(input)?.filterConfig;
    if (own === undefined) return behind;
    let both = merged.get(own);
    if (both === undefined) merged.set(own, (both = own.over(behind)));
    return both;
  };
}

function compileDecorator({ decorator }: Route): RouteEntry["decorator"] {
  if (decorator === undefined || decorator.operation === "") return undefined;
  return { operation: wireText(decorator.operation), propagate: decorator.propagate ?? true };
}

type ActionPart = Pick<
  RouteEntry,
  | "reply"
  | "chooseCluster"
  | "timeoutMs"
  | "maxGrpcTimeoutMs"
  | "idleTimeoutMs"
  | "maxStreamDuration"
  | "priority"
  | "retry"
  | "hedgeOnPerTryTimeout"
  | "internalRedirect"
  | "hash"
  | "mirrors"
  | "upgrades"
  | "connect"
  | "autoHostRewrite"
  | "appendForwardedHost"
  | "clusterNotFoundStatus"
> & {
  readonly hostRewrite: HostRewrite | undefined;
  readonly pathRewrite: PathRewrite | undefined;
};

const NO_FORWARDING: ActionPart = {
  reply: undefined,
  chooseCluster: () => undefined,
  timeoutMs: 0,
  maxGrpcTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  maxStreamDuration: undefined,
  priority: "default",
  retry: undefined,
  hedgeOnPerTryTimeout: false,
  internalRedirect: undefined,
  mirrors: undefined,
  hash: undefined,
  upgrades: undefined,
  connect: undefined,
  autoHostRewrite: false,
  clusterNotFoundStatus: 503,
  hostRewrite: undefined,
  appendForwardedHost: false,
  pathRewrite: undefined,
};

function compileAction(config: Route, match: PathMatch, scope: VirtualHostScope, path: string, violations: Violations): ActionPart {
  const { action } = config;
  switch (action.case) {
    case "route":
      return compileForwarding(action.value, match, scope, `${path}.route`, violations);
    case "redirect":
      return { ...NO_FORWARDING, reply: compileRedirect(action.value, match, `${path}.redirect`, violations.add) };
    case "directResponse":
      return { ...NO_FORWARDING, reply: compileDirectResponse(action.value, scope, `${path}.direct_response`, violations) };
    case "nonForwardingAction":
      // For listeners that never forward (proxyless gRPC servers). Envoy treats it as a route without a cluster; so do we.
      return NO_FORWARDING;
    case "filterAction":
    case undefined:
      if (action.case === undefined) violations.add(path, "needs one of route, redirect, direct_response");
      return NO_FORWARDING;
    default:
      return action satisfies never;
  }
}

function compileForwarding(
  action: RouteAction,
  match: PathMatch,
  scope: VirtualHostScope,
  path: string,
  violations: Violations,
): ActionPart {
  const report = violations.add;
  let pathRewrite: PathRewrite | undefined;
  if (action.prefixRewrite !== "") pathRewrite = prefixRewrite(match, action.prefixRewrite);
  if (action.regexRewrite !== undefined) {
    if (pathRewrite !== undefined) report(`${path}.regex_rewrite`, "only one of prefix_rewrite and regex_rewrite may be set");
    pathRewrite = regexRewrite(action.regexRewrite, `${path}.regex_rewrite`, report);
  }
  if (action.pathRewritePolicy !== undefined) {
    if (pathRewrite !== undefined)
      report(`${path}.path_rewrite_policy`, "only one of prefix_rewrite, regex_rewrite and path_rewrite_policy may be set");
    pathRewrite = templateRewrite(action.pathRewritePolicy, match, `${path}.path_rewrite_policy`, report);
  }
  const status = NOT_FOUND_STATUS[action.clusterNotFoundResponseCode];
  if (status === undefined) report(`${path}.cluster_not_found_response_code`, `${action.clusterNotFoundResponseCode} is not known`);
  const { hostRewriteSpecifier: host } = action;
  return {
    reply: undefined,
    chooseCluster: compileClusterChoice(action, scope.options.filters, path, violations),
    timeoutMs: durationMs(action.timeout) ?? DEFAULT_TIMEOUT_MS,
    maxGrpcTimeoutMs: durationMs(action.maxGrpcTimeout),
    maxStreamDuration: compileMaxStreamDuration(action.maxStreamDuration),
    priority: action.priority === RoutingPriority.HIGH ? "high" : "default",
    hedgeOnPerTryTimeout: compileHedgePolicy(action.hedgePolicy, `${path}.hedge_policy`, report) ?? scope.hedgeOnPerTryTimeout,
    internalRedirect: compileInternalRedirectPolicy(action.internalRedirectPolicy, `${path}.internal_redirect_policy`, report),
    idleTimeoutMs: durationMs(action.idleTimeout),
    retry: action.retryPolicy === undefined ? scope.retry : compileRetryPolicy(action.retryPolicy, `${path}.retry_policy`, report),
    mirrors: compileMirrorPolicies(action.requestMirrorPolicies, `${path}.request_mirror_policies`, report) ?? scope.mirrors,
    hash: compileHashPolicy(action.hashPolicy, `${path}.hash_policy`, report),
    ...compileUpgrades(action.upgradeConfigs, `${path}.upgrade_configs`, report),
    autoHostRewrite: host.case === "autoHostRewrite" && host.value.value,
    clusterNotFoundStatus: status ?? 503,
    hostRewrite: compileHostRewrite(action, path, report),
    appendForwardedHost: action.appendXForwardedHost,
    pathRewrite,
  };
}

function compileMaxStreamDuration(config: RouteAction_MaxStreamDuration | undefined): RouteEntry["maxStreamDuration"] {
  if (config === undefined) return undefined;
  return Object.freeze({
    maxMs: durationMs(config.maxStreamDuration),
    grpcMaxMs: durationMs(config.grpcTimeoutHeaderMax),
    grpcOffsetMs: durationMs(config.grpcTimeoutHeaderOffset) ?? 0,
  });
}

function compileDirectResponse(
  config: DirectResponseAction,
  scope: VirtualHostScope,
  path: string,
  violations: Violations,
): NonNullable<RouteEntry["reply"]> {
  if (config.status < 200 || config.status > 599) violations.add(`${path}.status`, `${config.status} is not between 200 and 599`);
  const specifier = config.body?.specifier;
  // Bytes go out as they are, text in UTF-8.
  const body =
    specifier?.case === "inlineBytes"
      ? Buffer.from(specifier.value).toString("latin1")
      : wireText(readDataSource(config.body, `${path}.body`, violations.add) ?? "");
  if (body.length > scope.maxDirectResponseBytes) {
    violations.add(`${path}.body`, `${body.length} bytes exceed max_direct_response_body_size_bytes (${scope.maxDirectResponseBytes})`);
  }
  const reply = Object.freeze({ kind: "local-reply", status: config.status, body, flag: undefined, details: "direct_response" } as const);
  return () => reply;
}
