// AccessLogFilter compiled: which streams are written.
import type { AccessLogFilter, ComparisonFilter, RuntimeFilter } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { ComparisonFilter_Op as Op } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { compileHeaderMatcher } from "#matcher/header-matcher";
import type { Violations } from "#proxy/field-check";
import { flagOf } from "#proxy/format/response-flags";
import { denominator } from "#proxy/runtime/runtime-fields";
import type { ThreadContext } from "#proxy/thread-context";
import type { StreamInfo } from "#proxy/http/stream-info";

/** What some filters ask beside the stream. */
export type FilterContext = Pick<ThreadContext, "runtime" | "random">;

export type StreamPredicate = (info: StreamInfo, context: FilterContext) => boolean;

const ALWAYS: StreamPredicate = () => true;

export function compileAccessLogFilter(config: AccessLogFilter | undefined, path: string, violations: Violations): StreamPredicate {
  const specifier = config?.filterSpecifier;
  switch (specifier?.case) {
    case undefined:
      if (config !== undefined) violations.add(path, "says nothing");
      return ALWAYS;
    case "statusCodeFilter":
      return comparison(specifier.value.comparison, `${path}.status_code_filter`, violations, (info) => info.responseCode);
    case "durationFilter":
      return comparison(specifier.value.comparison, `${path}.duration_filter`, violations, (info) =>
        info.endMs === undefined ? 0 : Math.floor(info.endMs - info.startMs),
      );
    case "responseFlagFilter":
      return responseFlags(specifier.value.flags, `${path}.response_flag_filter`, violations);
    case "headerFilter": {
      if (specifier.value.header === undefined) {
        violations.add(`${path}.header_filter.header`, "is missing");
        return ALWAYS;
      }
      const matcher = compileHeaderMatcher(specifier.value.header, `${path}.header_filter.header`, violations.add);
      return (info) => info.requestHeaders !== undefined && matcher.matches(info.requestHeaders);
    }
    case "notHealthCheckFilter":
      // No filter of this proxy marks a request as a health check.
      return ALWAYS;
    case "runtimeFilter":
      return compileRuntimeFilter(specifier.value, `${path}.runtime_filter`, violations);
    case "andFilter": {
      const all = specifier.value.filters.map((filter, index) =>
        compileAccessLogFilter(filter, `${path}.and_filter.filters[${index}]`, violations),
      );
      return (info, context) => all.every((filter) => filter(info, context));
    }
    case "orFilter": {
      const any = specifier.value.filters.map((filter, index) =>
        compileAccessLogFilter(filter, `${path}.or_filter.filters[${index}]`, violations),
      );
      return (info, context) => any.some((filter) => filter(info, context));
    }
    default:
      violations.add(path, `${specifier?.case ?? "this filter"} is not served by this proxy`);
      return ALWAYS;
  }
}

function comparison(
  config: ComparisonFilter | undefined,
  path: string,
  violations: Violations,
  of: (info: StreamInfo) => number,
): StreamPredicate {
  if (config?.value === undefined) {
    violations.add(`${path}.comparison`, "needs a value");
    return ALWAYS;
  }
  const { defaultValue, runtimeKey } = config.value;
  const value = ({ runtime }: FilterContext): number => (runtimeKey === "" ? defaultValue : runtime.integer(runtimeKey, defaultValue));
  switch (config.op) {
    case Op.EQ:
      return (info, context) => of(info) === value(context);
    case Op.GE:
      return (info, context) => of(info) >= value(context);
    case Op.LE:
      return (info, context) => of(info) <= value(context);
    default:
      config.op satisfies never;
      violations.add(`${path}.comparison.op`, "is not known");
      return ALWAYS;
  }
}

function responseFlags(names: readonly string[], path: string, violations: Violations): StreamPredicate {
  if (names.length === 0) return (info) => info.flags.size > 0;
  const flags = names.flatMap((name, index) => {
    const flag = flagOf(name);
    if (flag === undefined) violations.add(`${path}.flags[${index}]`, `"${name}" is not a response flag that this proxy gives`);
    return flag === undefined ? [] : [flag];
  });
  return (info) => flags.some((flag) => info.flags.has(flag));
}

/** The numerator alone is a matter of runtime. A request is written by its id, so that every proxy it passes writes it or none does. */
function compileRuntimeFilter(config: RuntimeFilter, path: string, violations: Violations): StreamPredicate {
  const { runtimeKey, percentSampled, useIndependentRandomness } = config;
  if (runtimeKey === "") violations.add(`${path}.runtime_key`, "must not be empty");
  const whole = denominator(percentSampled);
  const configured = percentSampled?.numerator ?? 0;
  return (info, { runtime, random }) => {
    const id = useIndependentRandomness ? undefined : info.requestHeaders?.get("x-request-id")?.slice(0, 8);
    const place = id !== undefined && /^[\da-f]{8}$/i.test(id) ? Number.parseInt(id, 16) % whole : random.integer(whole);
    return place < runtime.integer(runtimeKey, configured);
  };
}
