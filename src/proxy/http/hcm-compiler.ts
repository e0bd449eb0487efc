// HttpConnectionManager as a network filter: parsed and compiled once per filter chain; `accept` takes connections over.
import type { Any } from "@bufbuild/protobuf/wkt";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { HttpConnectionManager } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { nameOf, unpack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { invariant } from "#runtime/invariant";
import { DownstreamConnection } from "./downstream-connection.ts";
import { parseHcm } from "./hcm-config.ts";
import type { HcmDependencies } from "./hcm-config.ts";
import { HcmRuntime } from "./hcm-runtime.ts";

export function createHcmCompiler(dependencies: HcmDependencies): NetworkFilterCompiler {
  return {
    configTypes: [HttpConnectionManagerSchema.typeName],
    compile(name, any, path, thread) {
      const config = parseHcm(decode(name, any, path), path, dependencies, thread?.runtime);
      const runtime = thread === undefined ? undefined : new HcmRuntime(config, thread);
      return {
        unservedProtocols: config.codec === "http1" ? ["h2"] : config.codec === "http2" ? ["http/1.0", "http/1.1"] : [],
        accept(context) {
          invariant(runtime !== undefined, "a connection was accepted where configuration is only checked");
          // The codec makes itself the connection's handler.
          new DownstreamConnection(context, runtime).open();
        },
        release: () => runtime?.release(),
      };
    },
  };
}

function decode(name: string, any: Any, path: string): HttpConnectionManager {
  try {
    const wire = unpack(any, HttpConnectionManagerSchema);
    if (wire !== undefined) return wire;
  } catch (error) {
    throw new ConfigError(`network filter "${name}"`, [{ path, message: `is not a valid HttpConnectionManager: ${String(error)}` }]);
  }
  throw new ConfigError(`network filter "${name}"`, [{ path, message: `holds ${nameOf(any.typeUrl)}, not HttpConnectionManager` }]);
}
