// The router filter's own config. Most of Envoy's options are not there yet and are refused by name.
import type { Any } from "@bufbuild/protobuf/wkt";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import type { Router } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { nameOf, unpack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";

export interface RouterConfig {
  readonly suppressEnvoyHeaders: boolean;
}

/** @throws ConfigError naming what has no effect here */
export function parseRouter(any: Any, name: string, path: string): RouterConfig {
  const wire = decode(any, name, path);
  const violations: ConfigViolation[] = [];
  const set: readonly (readonly [boolean, string])[] = [
    [wire.upstreamLog.length > 0, "upstream_log"],
    [wire.upstreamHttpFilters.length > 0, "upstream_http_filters"],
    [wire.strictCheckHeaders.length > 0, "strict_check_headers"],
    [wire.respectExpectedRqTimeout, "respect_expected_rq_timeout"],
    [wire.suppressGrpcRequestFailureCodeStats, "suppress_grpc_request_failure_code_stats"],
    [wire.dynamicStats === false, "dynamic_stats"],
    [wire.startChildSpan, "start_child_span"],
  ];
  for (const [isSet, field] of set) if (isSet) violations.push({ path: `${path}.${field}`, message: "not served yet" });
  if (violations.length > 0) throw new ConfigError(`http filter "${name}"`, violations);
  return Object.freeze({ suppressEnvoyHeaders: wire.suppressEnvoyHeaders });
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
