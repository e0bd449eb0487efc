// A RouteConfiguration compiled into a table. Everything that is wrong is gathered and thrown at once; a table that exists is complete.
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { VirtualHost_TlsRequirementType as Tls } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { Route, VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { Violations } from "#proxy/field-check";
import type { HttpFilterCompiler } from "#proxy/http/filter";
import { compileFilterConfigs, FilterConfigs } from "./filter-config.ts";
import { compileHeaderMutation } from "./header-mutation.ts";
import { compileMirrorPolicies } from "./mirror-policy.ts";
import { httpsRedirect } from "./redirect.ts";
import { compileRateLimits } from "./rate-limit-actions.ts";
import { compileRetryPolicy } from "./retry-policy.ts";
import { compileHedgePolicy } from "./hedge-policy.ts";
import { compileRoute } from "./route-entry.ts";
import type { RouteScope } from "./route-entry.ts";
import { pathOnly } from "./route-match.ts";
import type { RouteMatch } from "./route-match.ts";
import type { RouteEntry, RouteInput, RouteTable } from "./route.ts";
import { compileVirtualClusters } from "./virtual-cluster.ts";
import { VirtualHostIndex } from "./virtual-host-index.ts";
import type { DomainEntry } from "./virtual-host-index.ts";

export interface RouteTableOptions {
  /** Who compiles typed_per_filter_config: filters/table.ts, joined with extensions. */
  readonly filters: readonly HttpFilterCompiler[];
}

const DEFAULT_MAX_DIRECT_RESPONSE_BYTES = 4096;

interface CompiledRoute {
  readonly match: RouteMatch;
  readonly entry: RouteEntry;
}

interface CompiledVirtualHost {
  readonly routes: readonly CompiledRoute[];
  readonly requireTls: Tls;
  readonly tlsRedirect: RouteEntry;
}

/** A virtual host whose routes come one by one, so that whoever compiles may pause between them. */
export interface VirtualHostSource {
  readonly host: VirtualHost;
  readonly routes: Iterable<Route>;
}

/** @throws ConfigError with every violation and its proto path */
export function compileRouteTable(config: RouteConfiguration, options: RouteTableOptions): RouteTable {
  const violations = new Violations();
  const steps = routeTableSteps(
    config,
    config.virtualHosts.map((host) => ({ host, routes: host.routes })),
    options,
    violations,
  );
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The work of compiling, with a place to pause after each route. @throws ConfigError at its end, with `violations` as well */
export function* routeTableSteps(
  config: RouteConfiguration,
  hosts: Iterable<VirtualHostSource>,
  options: RouteTableOptions,
  violations: Violations,
): Generator<void, RouteTable> {
  if (config.validateClusters === true) violations.add("validate_clusters", "true is not served: clusters arrive on their own");
  const scope: RouteScope = {
    options,
    maxDirectResponseBytes: config.maxDirectResponseBodySizeBytes ?? DEFAULT_MAX_DIRECT_RESPONSE_BYTES,
    mostSpecificWins: config.mostSpecificHeaderMutationsWins,
    tableMutation: compileHeaderMutation(config, "", violations.add),
    mirrors: compileMirrorPolicies(config.requestMirrorPolicies, "request_mirror_policies", violations.add),
    tableFilters: compileFilterConfigs(config.typedPerFilterConfig, options.filters, "", violations),
  };
  const domains: DomainEntry<CompiledVirtualHost>[] = [];
  const names = new Set<string>();
  let hostIndex = 0;
  for (const { host, routes } of hosts) {
    const path = `virtual_hosts[${hostIndex++}]`;
    if (host.name === "") violations.add(`${path}.name`, "must not be empty");
    if (names.has(host.name)) violations.add(`${path}.name`, `virtual host "${host.name}" stands twice`);
    names.add(host.name);
    if (host.domains.length === 0) violations.add(`${path}.domains`, "must not be empty");
    const compiled = yield* virtualHostSteps(host, routes, scope, path, violations);
    for (const [at, domain] of host.domains.entries()) domains.push({ domain, path: `${path}.domains[${at}]`, host: compiled });
  }
  const pathOf = config.ignorePathParametersInPathMatching ? withoutParameters : pathOnly;
  const index = new VirtualHostIndex(domains, config.ignorePortInHostMatching, violations.add);
  violations.throwIfAny(`route configuration "${config.name}"`);
  return {
    name: config.name,
    match(input) {
      const host = index.find(input.headers.authority);
      return host === undefined ? undefined : matchIn(host, input, pathOf);
    },
  };
}

function* virtualHostSteps(
  host: VirtualHost,
  routes: Iterable<Route>,
  scope: RouteScope,
  path: string,
  violations: Violations,
): Generator<void, CompiledVirtualHost> {
  if (Tls[host.requireTls] === undefined) violations.add(`${path}.require_tls`, `${host.requireTls} is not known`);
  const hostScope = {
    ...scope,
    config: host,
    mutation: compileHeaderMutation(host, path, violations.add),
    mirrors: compileMirrorPolicies(host.requestMirrorPolicies, `${path}.request_mirror_policies`, violations.add) ?? scope.mirrors,
    rateLimits: compileRateLimits(host.rateLimits, `${path}.rate_limits`, violations.add),
    filters: compileFilterConfigs(host.typedPerFilterConfig, scope.options.filters, path, violations),
    virtualCluster: compileVirtualClusters(host.virtualClusters, `${path}.virtual_clusters`, violations.add),
    hedgeOnPerTryTimeout: compileHedgePolicy(host.hedgePolicy, `${path}.hedge_policy`, violations.add) ?? false,
    retry: host.retryPolicy === undefined ? undefined : compileRetryPolicy(host.retryPolicy, `${path}.retry_policy`, violations.add),
  };
  const compiled: CompiledRoute[] = [];
  for (const route of routes) {
    compiled.push(compileRoute(route, hostScope, `${path}.routes[${compiled.length}]`, violations));
    yield;
  }
  return { routes: compiled, requireTls: host.requireTls, tlsRedirect: tlsRedirectEntry(host.name) };
}

/** What require_tls answers with; it belongs to no route, so nothing of the virtual host is applied to it. */
function tlsRedirectEntry(virtualHost: string): RouteEntry {
  return {
    name: "",
    virtualHost,
    statPrefix: "",
    metadata: {},
    virtualHostMetadata: {},
    decorator: undefined,
    filterConfig: new FilterConfigs(),
    weightedFilterConfig: undefined,
    rateLimits: undefined,
    reply: httpsRedirect,
    chooseCluster: () => undefined,
    timeoutMs: 0,
    maxGrpcTimeoutMs: undefined,
    idleTimeoutMs: undefined,
    maxStreamDuration: undefined,
    priority: "default",
    retry: undefined,
    hedgeOnPerTryTimeout: false,
    internalRedirect: undefined,
    virtualCluster: undefined,
    mirrors: undefined,
    perRequestBufferLimitBytes: Number.POSITIVE_INFINITY,
    traceSampling: undefined,
    hash: undefined,
    finalizeRequest() {},
    finalizeResponse() {},
    includeAttemptCountInRequest: false,
    includeAttemptCountInResponse: false,
    includeTimeoutRetryInRequest: false,
    upgrades: undefined,
    connect: undefined,
    autoHostRewrite: false,
    appendForwardedHost: false,
    clusterNotFoundStatus: 503,
  };
}

function matchIn(host: CompiledVirtualHost, input: RouteInput, pathOf: (path: string) => string): RouteEntry | undefined {
  const { headers } = input;
  if (host.requireTls !== Tls.NONE && !isHttps(input)) {
    if (host.requireTls === Tls.ALL || headers.get("x-envoy-internal") !== "true") return host.tlsRedirect;
  }
  const path = pathOf(headers.path);
  const { routes } = host;
  for (let i = 0; i < routes.length; i++) {
    const { match, entry } = routes[i] as CompiledRoute;
    if (match.matches(input, path)) return entry;
  }
  return undefined;
}

/** As in Envoy: all that follows the first parameter, not the parameters of each segment. */
function withoutParameters(pathWithQuery: string): string {
  const path = pathOnly(pathWithQuery);
  const at = path.indexOf(";");
  return at < 0 ? path : path.slice(0, at);
}

/** By the scheme, which a trusted x-forwarded-proto may have set; the connection's own security is the fallback. */
function isHttps({ headers, tls }: RouteInput): boolean {
  const { scheme } = headers;
  return scheme === "" ? tls : scheme === "https";
}
