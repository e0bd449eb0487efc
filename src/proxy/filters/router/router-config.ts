// The router filter's own config.
import type { Any } from "@bufbuild/protobuf/wkt";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import type { Router } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { nameOf, unpack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";

export interface RouterConfig {
  readonly suppressEnvoyHeaders: boolean;
}

/** @throws ConfigError naming what has no effect here */
export function parseRouter(any: Any, name: string, path: string): RouterConfig {
  const wire = decode(any, name, path);
  if (wire.dynamicStats === false) {
    throw new ConfigError(`http filter "${name}"`, [{ path: `${path}.dynamic_stats`, message: "false is not served" }]);
  }
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
