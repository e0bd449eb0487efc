// The router filter's own config.
import type { Any } from "@bufbuild/protobuf/wkt";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import type { Router } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { nameOf, unpack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";
import type { HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import { compileUpstreamFilters } from "#proxy/http/upstream-filter-list";

export interface RouterConfig {
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedTimeout: boolean;
  /** Undefined: it has none to say. */
  readonly upstreamFilters: readonly HttpFilterFactory[] | undefined;
}

/** @throws ConfigError naming what has no effect here */
export function parseRouter(any: Any, name: string, path: string, upstream: readonly HttpFilterCompiler[]): RouterConfig {
  const wire = decode(any, name, path);
  const violations: ConfigViolation[] = [];
  const refuse = (at: string, message: string): void => void violations.push({ path: at, message });
  if (wire.dynamicStats === false) refuse(`${path}.dynamic_stats`, "false is not served");
  const upstreamFilters = compileUpstreamFilters(wire.upstreamHttpFilters, upstream, `${path}.upstream_http_filters`, refuse);
  if (violations.length > 0) throw new ConfigError(`http filter "${name}"`, violations);
  const { suppressEnvoyHeaders, respectExpectedRqTimeout: respectExpectedTimeout } = wire;
  return Object.freeze({ suppressEnvoyHeaders, respectExpectedTimeout, upstreamFilters });
}

function decode(any: Any, name: string, path: string): Router {
  try {
    const wire = unpack(any, RouterSchema);
    if (wire !== undefined) return wire;
  } catch (error) {
    throw new ConfigError(`http filter "${name}"`, [{ path, message: `is not a valid Router: ${String(error)}` }]);
  }
  throw new ConfigError(`http filter "${name}"`, [{ path, message: `holds ${nameOf(any.typeUrl)}, not Router` }]);
}
