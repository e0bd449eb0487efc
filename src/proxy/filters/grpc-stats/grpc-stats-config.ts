// grpc_stats's FilterConfig, compiled.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { unpack } from "#envoy/any";
import type { GrpcMethod } from "#proxy/cluster/grpc-stats";
import { Violations } from "#proxy/field-check";
import { grpcMethodOf } from "#proxy/http/grpc";

export interface GrpcStatsConfig {
  /** Whose own statistics a call counts in; undefined: it counts without its method. */
  methodOf(path: string): GrpcMethod | undefined;
  /** Calls whose path names no method are left out, where every method counts for itself. */
  readonly needsMethod: boolean;
  readonly upstreamTime: boolean;
}

export function compileGrpcStats(any: Any, path: string): GrpcStatsConfig {
  const violations = new Violations();
  const wire = unpack(any, FilterConfigSchema);
  if (wire === undefined) violations.add(path, `${any.typeUrl} is not a grpc_stats FilterConfig`);
  violations.throwIfAny("grpc_stats filter");
  const specifier = wire!.perMethodStatSpecifier;
  const upstreamTime = wire!.enableUpstreamStats;
  if (specifier.case === "statsForAllMethods" && specifier.value.value) {
    const replacesDots = wire!.replaceDotsInGrpcServiceName;
    const methodOf = (target: string): GrpcMethod | undefined => {
      const method = grpcMethodOf(target);
      return method === undefined || !replacesDots ? method : { ...method, service: method.service.replaceAll(".", "_") };
    };
    return { methodOf, needsMethod: true, upstreamTime };
  }
  const services = specifier.case === "individualMethodStatsAllowlist" ? specifier.value.services : [];
  const allowed = new Map<string, GrpcMethod>();
  for (const { name: service, methodNames } of services) {
    for (const method of methodNames) allowed.set(`/${service}/${method}`, { service, method });
  }
  const methodOf = (target: string): GrpcMethod | undefined => {
    const method = allowed.size === 0 ? undefined : grpcMethodOf(target);
    return method === undefined ? undefined : allowed.get(`/${method.service}/${method.method}`);
  };
  return { methodOf, needsMethod: false, upstreamTime };
}
