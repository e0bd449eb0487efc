// envoy.filters.http.grpc_stats. Istio puts it into every listener so that its telemetry can count gRPC messages. This proxy speaks
// HTTP/1 only so far, where no gRPC can pass, so there is nothing to count and no stream needs an instance. Options that would name
// statistics are refused, so that nobody waits for them.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { unpack } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import type { HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";

export const grpcStatsFilterCompiler: HttpFilterCompiler = {
  configTypes: [FilterConfigSchema.typeName],
  compile(name: string, any: Any, path: string): HttpFilterFactory {
    const violations = new Violations();
    const config = unpack(any, FilterConfigSchema);
    if (config === undefined) violations.add(path, `${any.typeUrl} is not a grpc_stats FilterConfig`);
    else {
      const { perMethodStatSpecifier: methods } = config;
      if (methods.case === "individualMethodStatsAllowlist")
        violations.add(`${path}.individual_method_stats_allowlist`, "not served by this proxy");
      if (methods.case === "statsForAllMethods" && methods.value.value)
        violations.add(`${path}.stats_for_all_methods`, "not served by this proxy");
      if (config.enableUpstreamStats) violations.add(`${path}.enable_upstream_stats`, "not served by this proxy");
    }
    violations.throwIfAny("grpc_stats filter");
    return { name, create: () => undefined };
  },
};
