// HTTPFault -> frozen FaultConfig, for the filter and for a route alike.
import type { Any } from "@bufbuild/protobuf/wkt";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import type { HTTPFault } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { HeaderMatcher } from "#matcher/header-matcher";
import { checkFields, Violations } from "#proxy/field-check";
import type { HonouredFields } from "#proxy/field-check";
import { fraction } from "#proxy/route/route-match";

export interface FaultConfig {
  readonly delay: { readonly durationMs: number; readonly share: number } | undefined;
  readonly abort: { readonly status: number; readonly grpcStatus: number | undefined; readonly share: number } | undefined;
  /** All must match; none: every request. */
  readonly headers: readonly HeaderMatcher[];
  /** "": any. */
  readonly upstreamCluster: string;
  readonly downstreamNodes: ReadonlySet<string>;
  readonly maxActiveFaults: number;
}

const HONOURED: HonouredFields = new Map(
  Object.entries({
    "envoy.extensions.filters.http.fault.v3.HTTPFault": [
      "delay",
      "abort",
      "upstream_cluster",
      "headers",
      "downstream_nodes",
      "max_active_faults",
      "disable_downstream_cluster_stats",
    ],
    "envoy.extensions.filters.http.fault.v3.FaultAbort": ["http_status", "grpc_status", "percentage"],
    "envoy.extensions.filters.common.fault.v3.FaultDelay": ["fixed_delay", "percentage"],
  }).map(([type, fields]) => [type, new Set(fields)]),
);

/** @throws ConfigError naming every field that is wrong or not served */
export function compileFault(any: Any, path: string): FaultConfig {
  const violations = new Violations();
  const config = unpack(any, HTTPFaultSchema);
  if (config === undefined) violations.add(path, `${any.typeUrl} is not an HTTPFault`);
  else checkFields(HONOURED, HTTPFaultSchema, config, path, violations);
  const fault = config === undefined ? undefined : compileMessage(config, path, violations);
  violations.throwIfAny("fault filter");
  return Object.freeze(fault as FaultConfig);
}

function compileMessage(config: HTTPFault, path: string, violations: Violations): FaultConfig {
  return {
    delay: compileDelay(config, path, violations),
    abort: compileAbort(config, path, violations),
    headers: compileHeaderMatchers(config.headers, `${path}.headers`, violations.add),
    upstreamCluster: config.upstreamCluster,
    downstreamNodes: new Set(config.downstreamNodes),
    maxActiveFaults: config.maxActiveFaults ?? Number.POSITIVE_INFINITY,
  };
}

function compileDelay({ delay }: HTTPFault, path: string, violations: Violations): FaultConfig["delay"] {
  if (delay === undefined) return undefined;
  if (delay.faultDelaySecifier.case !== "fixedDelay") {
    violations.add(`${path}.delay`, "needs fixed_delay");
    return undefined;
  }
  const ms = durationMs(delay.faultDelaySecifier.value) ?? 0;
  if (ms <= 0) violations.add(`${path}.delay.fixed_delay`, "must be greater than 0");
  return { durationMs: ms, share: fraction(delay.percentage) };
}

function compileAbort({ abort }: HTTPFault, path: string, violations: Violations): FaultConfig["abort"] {
  if (abort === undefined) return undefined;
  const share = fraction(abort.percentage);
  switch (abort.errorType.case) {
    case "httpStatus": {
      const status = abort.errorType.value;
      if (status < 200 || status >= 600) violations.add(`${path}.abort.http_status`, `${status} is not between 200 and 599`);
      return { status, grpcStatus: undefined, share };
    }
    case "grpcStatus":
      // A request that is not gRPC sees the HTTP status, which Envoy leaves at 200.
      return { status: 200, grpcStatus: abort.errorType.value, share };
    case "headerAbort":
    case undefined:
      violations.add(`${path}.abort`, "needs http_status or grpc_status");
      return undefined;
    default:
      return abort.errorType satisfies never;
  }
}
