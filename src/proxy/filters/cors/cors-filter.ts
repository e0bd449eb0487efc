// envoy.filters.http.cors: answers preflight requests and names the allowed origin in answers, by the route's CorsPolicy.
// A request of an origin that is not allowed goes on: the browser, which sees no header, keeps the answer from the page.
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { nameOf } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory, LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { FilterConfigs } from "#proxy/route/filter-config";
import { shareNow } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";
import type { Counter } from "#telemetry/stats/store";
import { compileCorsPolicy, mergeCorsLevels } from "./cors-policy.ts";
import type { CorsPolicy } from "./cors-policy.ts";

interface CorsStats {
  readonly originValid: Counter;
  readonly originInvalid: Counter;
}

export const corsFilterCompiler: HttpFilterCompiler = {
  configTypes: [CorsSchema.typeName],
  routeConfigTypes: ["envoy.extensions.filters.http.cors.v3.CorsPolicy"],
  compile(name: string, config: Any, path: string): HttpFilterFactory {
    const violations = new Violations();
    if (nameOf(config.typeUrl) !== CorsSchema.typeName) violations.add(path, `${config.typeUrl} is not a Cors`);
    violations.throwIfAny("cors filter");
    return factory(name, undefined);
  },
  compileRouteConfig: compileCorsPolicy,
};

function factory(name: string, stats: CorsStats | undefined): HttpFilterFactory {
  const merged = new WeakMap<FilterConfigs, CorsPolicy>();
  const policyOf = (configs: FilterConfigs | undefined): CorsPolicy | undefined => {
    if (configs?.get(name) === undefined) return undefined;
    let policy = merged.get(configs);
    if (policy === undefined) {
      policy = mergeCorsLevels(configs.all(name) as Parameters<typeof mergeCorsLevels>[0]);
      if (policy !== undefined) merged.set(configs, policy);
    }
    return policy;
  };
  return {
    name,
    create(stream) {
      const route = stream.route();
      // A redirect or direct response needs no policy: there is nothing to share.
      if (route === undefined || route.reply !== undefined) return undefined;
      const policy = policyOf(stream.filterConfigs());
      return policy === undefined ? undefined : new CorsFilter(stream, policy, stats);
    },
    withStats: (scope) =>
      factory(name, { originValid: scope.counter("cors", "origin_valid"), originInvalid: scope.counter("cors", "origin_invalid") }),
  };
}

class CorsFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #policy: CorsPolicy;
  readonly #stats: CorsStats | undefined;
  /** Set once the request's origin is allowed. */
  #origin: string | undefined;

  constructor(stream: FilterStream, policy: CorsPolicy, stats: CorsStats | undefined) {
    this.#stream = stream;
    this.#policy = policy;
    this.#stats = stats;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    const policy = this.#policy;
    const enabled = this.#holds(policy.enabled);
    if (!enabled && !this.#holds(policy.shadow)) return undefined;
    const origin = headers.get("origin");
    if (origin === undefined || origin === "") return undefined;
    const allowed = policy.anyOrigin || policy.origins.some((matcher) => matcher.matches(origin));
    (allowed ? this.#stats?.originValid : this.#stats?.originInvalid)?.inc();
    if (!enabled) return undefined;
    if (allowed) this.#origin = origin;
    const requestMethod = headers.get("access-control-request-method");
    if (headers.method !== "OPTIONS" || requestMethod === undefined || requestMethod === "") return undefined;
    if (!allowed && policy.forwardNotMatchingPreflights) return undefined;
    return this.#preflight(headers, requestMethod);
  }

  onResponseHeaders(headers: ResponseHeaderMap): FilterResult {
    if (this.#origin === undefined) return undefined;
    headers.set("access-control-allow-origin", this.#origin);
    if (this.#policy.allowCredentials) headers.set("access-control-allow-credentials", "true");
    if (this.#policy.exposeHeaders !== "") headers.set("access-control-expose-headers", this.#policy.exposeHeaders);
    return undefined;
  }

  #holds(configured: RuntimeShare): boolean {
    const share = shareNow(configured, this.#stream.routeInput.runtime);
    return share >= 1 || (share > 0 && this.#stream.random.next() < share);
  }

  #preflight(request: RequestHeaderMap, requestMethod: string): LocalReply {
    const policy = this.#policy;
    const headers: [string, string][] = [];
    if (this.#origin !== undefined) headers.push(["access-control-allow-origin", this.#origin]);
    if (policy.allowCredentials) headers.push(["access-control-allow-credentials", "true"]);
    if (policy.allowMethods !== "")
      headers.push(["access-control-allow-methods", policy.allowMethods === "*" ? requestMethod : policy.allowMethods]);
    if (policy.allowHeaders === "*") headers.push(["access-control-allow-headers", request.get("access-control-request-headers") ?? ""]);
    else if (policy.allowHeaders !== "") headers.push(["access-control-allow-headers", policy.allowHeaders]);
    if (policy.maxAge !== "") headers.push(["access-control-max-age", policy.maxAge]);
    if (policy.allowPrivateNetworkAccess && request.get("access-control-request-private-network") === "true") {
      headers.push(["access-control-allow-private-network", "true"]);
    }
    return { kind: "local-reply", status: 200, body: "", flag: undefined, details: "cors_response", headers, ofFilter: true };
  }
}
