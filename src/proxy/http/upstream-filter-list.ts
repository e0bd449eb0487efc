// A list of upstream HTTP filters, of a cluster (HttpProtocolOptions.http_filters) or of a router (upstream_http_filters): what each try of
// a request goes through behind the router. The last of them stands for the codec, which every try ends at.
import { UpstreamCodecSchema } from "#envoy/gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb";
import type { HttpFilter as WireFilter } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { nameOf } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import type { HttpFilterCompiler, HttpFilterFactory } from "./filter.ts";
import { switchedByRoute } from "./switched-filter.ts";

const CODEC = UpstreamCodecSchema.typeName;

/** Undefined: there is no list. One without filters is one all the same: that of a cluster takes the place of the router's. */
export function compileUpstreamFilters(
  wire: readonly WireFilter[],
  compilers: readonly HttpFilterCompiler[],
  path: string,
  refuse: (path: string, message: string) => void,
): readonly HttpFilterFactory[] | undefined {
  if (wire.length === 0) return undefined;
  const filters: HttpFilterFactory[] = [];
  for (const [index, filter] of wire.entries()) {
    const field = `${path}[${index}]`;
    const config = filter.configType.case === "typedConfig" ? filter.configType.value : undefined;
    const last = index === wire.length - 1;
    const type = nameOf(config?.typeUrl ?? "");
    if (last !== (type === CODEC)) refuse(field, last ? `the last upstream filter must be ${CODEC}` : `${CODEC} must be the last one`);
    if (type === CODEC) {
      if (filter.disabled) refuse(`${field}.disabled`, "the codec cannot be switched off");
      continue;
    }
    const compiler = compilers.find(({ configTypes }) => configTypes.includes(type));
    if (filter.configType.case === "configDiscovery") refuse(`${field}.config_discovery`, "not served yet");
    else if (config === undefined) refuse(`${field}.typed_config`, `filter "${filter.name}" needs a typed_config`);
    else if (compiler === undefined) {
      if (!filter.isOptional) refuse(`${field}.typed_config`, `${type} ("${filter.name}") is no upstream filter of this proxy`);
    } else {
      try {
        filters.push(switchedByRoute(compiler.compile(filter.name, config, `${field}.typed_config`), !filter.disabled));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const { path: at, message } of error.violations) refuse(at, message);
      }
    }
  }
  return filters;
}
