// HTTPFault -> frozen FaultConfig, for the filter and for a route alike.
import type { Any } from "@bufbuild/protobuf/wkt";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import type { HTTPFault } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import type { FractionalPercent } from "#envoy/gen/envoy/type/v3/percent_pb";
import { unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { HeaderMatcher } from "#matcher/header-matcher";
import { Violations } from "#proxy/field-check";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { fraction } from "#proxy/runtime/runtime-fields";

/** What the config says, or the request where the config lets it (x-envoy-fault-* headers). */
type From<T> = (headers: RequestHeaderMap) => T;

export interface FaultConfig {
  readonly delay: { readonly durationMs: From<number | undefined>; readonly share: From<number> } | undefined;
  readonly abort: { readonly status: From<AbortStatus | undefined>; readonly share: From<number> } | undefined;
  readonly responseRate: { readonly kbps: From<number | undefined>; readonly share: From<number> } | undefined;
  /** All must match; none: every request. */
  readonly headers: readonly HeaderMatcher[];
  /** "": any. */
  readonly upstreamCluster: string;
  readonly downstreamNodes: ReadonlySet<string>;
  readonly maxActiveFaults: number;
  /** Under which runtime layers may say otherwise. */
  readonly keys: FaultKeys;
}

export interface FaultKeys {
  readonly delayPercent: string;
  readonly delayDuration: string;
  readonly abortPercent: string;
  readonly abortHttpStatus: string;
  readonly abortGrpcStatus: string;
  readonly maxActiveFaults: string;
  readonly responseRateLimitPercent: string;
}

export interface AbortStatus {
  readonly status: number;
  readonly grpcStatus: number | undefined;
}

/** @throws ConfigError naming every field that is wrong or not served */
export function compileFault(any: Any, path: string): FaultConfig {
  const violations = new Violations();
  const config = unpack(any, HTTPFaultSchema);
  if (config === undefined) violations.add(path, `${any.typeUrl} is not an HTTPFault`);
  const fault = config === undefined ? undefined : compileMessage(config, path, violations);
  violations.throwIfAny("fault filter");
  return Object.freeze(fault as FaultConfig);
}

function compileMessage(config: HTTPFault, path: string, violations: Violations): FaultConfig {
  return {
    delay: compileDelay(config, path, violations),
    abort: compileAbort(config, path, violations),
    responseRate: compileResponseRate(config, path, violations),
    headers: compileHeaderMatchers(config.headers, `${path}.headers`, violations.add),
    upstreamCluster: config.upstreamCluster,
    downstreamNodes: new Set(config.downstreamNodes),
    maxActiveFaults: config.maxActiveFaults ?? Number.POSITIVE_INFINITY,
    keys: {
      delayPercent: config.delayPercentRuntime || "fault.http.delay.fixed_delay_percent",
      delayDuration: config.delayDurationRuntime || "fault.http.delay.fixed_duration_ms",
      abortPercent: config.abortPercentRuntime || "fault.http.abort.abort_percent",
      abortHttpStatus: config.abortHttpStatusRuntime || "fault.http.abort.http_status",
      abortGrpcStatus: config.abortGrpcStatusRuntime || "fault.http.abort.grpc_status",
      maxActiveFaults: config.maxActiveFaultsRuntime || "fault.http.max_active_faults",
      responseRateLimitPercent: config.responseRateLimitPercentRuntime || "fault.http.rate_limit.response_percent",
    },
  };
}

function compileDelay({ delay }: HTTPFault, path: string, violations: Violations): FaultConfig["delay"] {
  if (delay === undefined) return undefined;
  const { faultDelaySecifier: kind, percentage } = delay;
  switch (kind.case) {
    case "fixedDelay": {
      const ms = durationMs(kind.value) ?? 0;
      if (ms <= 0) violations.add(`${path}.delay.fixed_delay`, "must be greater than 0");
      return { durationMs: () => ms, share: fixedShare(percentage) };
    }
    case "headerDelay":
      return { durationMs: number("x-envoy-fault-delay-request"), share: shareUpTo(percentage, "x-envoy-fault-delay-request-percentage") };
    case undefined:
      violations.add(`${path}.delay`, "needs fixed_delay or header_delay");
      return undefined;
    default:
      return kind satisfies never;
  }
}

function compileAbort({ abort }: HTTPFault, path: string, violations: Violations): FaultConfig["abort"] {
  if (abort === undefined) return undefined;
  const { errorType: kind, percentage } = abort;
  switch (kind.case) {
    case "httpStatus": {
      const status = { status: kind.value, grpcStatus: undefined };
      if (kind.value < 200 || kind.value >= 600) violations.add(`${path}.abort.http_status`, `${kind.value} is not between 200 and 599`);
      return { status: () => status, share: fixedShare(percentage) };
    }
    case "grpcStatus": {
      // A request that is not gRPC sees the HTTP status, which Envoy leaves at 200.
      const status = { status: 200, grpcStatus: kind.value };
      return { status: () => status, share: fixedShare(percentage) };
    }
    case "headerAbort":
      return { status: abortByHeaders, share: shareUpTo(percentage, "x-envoy-fault-abort-request-percentage") };
    case undefined:
      violations.add(`${path}.abort`, "needs http_status, grpc_status or header_abort");
      return undefined;
    default:
      return kind satisfies never;
  }
}

function compileResponseRate({ responseRateLimit: limit }: HTTPFault, path: string, violations: Violations): FaultConfig["responseRate"] {
  if (limit === undefined) return undefined;
  const { limitType: kind, percentage } = limit;
  switch (kind.case) {
    case "fixedLimit": {
      const kbps = Number(kind.value.limitKbps);
      if (kbps < 1) violations.add(`${path}.response_rate_limit.fixed_limit.limit_kbps`, "must be at least 1");
      return { kbps: () => kbps, share: fixedShare(percentage) };
    }
    case "headerLimit": {
      const read = number("x-envoy-fault-throughput-response");
      const share = shareUpTo(percentage, "x-envoy-fault-throughput-response-percentage");
      return { kbps: (headers) => read(headers) || undefined, share };
    }
    case undefined:
      violations.add(`${path}.response_rate_limit`, "needs fixed_limit or header_limit");
      return undefined;
    default:
      return kind satisfies never;
  }
}

const readStatus = number("x-envoy-fault-abort-request");
const readGrpcStatus = number("x-envoy-fault-abort-grpc-request");

function abortByHeaders(headers: RequestHeaderMap): AbortStatus | undefined {
  const status = readStatus(headers);
  if (status !== undefined && status >= 200 && status < 600) return { status, grpcStatus: undefined };
  const grpcStatus = readGrpcStatus(headers);
  return grpcStatus === undefined ? undefined : { status: 200, grpcStatus };
}

/** Clients write these headers, so only the first line of a name counts. */
function number(name: string): From<number | undefined> {
  return (headers) => {
    const text = headers.get(name)?.trim();
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
}

function fixedShare(percentage: FractionalPercent | undefined): From<number> {
  const share = fraction(percentage);
  return () => share;
}

/** A header may lower the configured share, in the units of its denominator. */
function shareUpTo(percentage: FractionalPercent | undefined, name: string): From<number> {
  const most = fraction(percentage);
  const numerator = percentage?.numerator ?? 0;
  const read = number(name);
  return (headers) => {
    const asked = read(headers);
    return asked === undefined || asked >= numerator ? most : most * (asked / numerator);
  };
}
