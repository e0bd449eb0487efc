// Per-route configuration of HTTP filters that a VirtualService asks for: faults and cross-origin resource sharing.
import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsPolicySchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import type { CorsPolicy, HTTPFaultInjection, HTTPRoute } from "#api/virtual-service";
import { GRPC_STATUS_NAMES } from "#api/virtual-service/grpc-status";
import { pack } from "#envoy/any";
import { durationOf } from "#control-plane/generate/duration";
import { hundredths, millionths } from "./fractional-percent.ts";
import { stringMatcher } from "./string-matcher.ts";

const GRPC_STATUS: ReadonlyMap<string, number> = new Map(GRPC_STATUS_NAMES.map((name, code) => [name, code]));

/** In the order of the filters' names, so that equal routes give equal bytes. */
export function routeFilters(route: HTTPRoute): Record<string, Any> {
  const filters: Record<string, Any> = {};
  if (route.corsPolicy !== undefined) filters["envoy.filters.http.cors"] = cors(route.corsPolicy);
  const fault = route.fault === undefined ? undefined : httpFault(route.fault);
  if (fault !== undefined) filters["envoy.filters.http.fault"] = fault;
  return filters;
}

function cors(policy: CorsPolicy): Any {
  const origins =
    policy.allowOrigins === undefined
      ? (policy.allowOrigin ?? []).map((exact) => stringMatcher({ exact }))
      : policy.allowOrigins.map(stringMatcher);
  return pack(
    CorsPolicySchema,
    create(CorsPolicySchema, {
      allowOriginStringMatch: origins,
      allowMethods: (policy.allowMethods ?? []).join(","),
      allowHeaders: (policy.allowHeaders ?? []).join(","),
      exposeHeaders: (policy.exposeHeaders ?? []).join(","),
      ...(policy.maxAge === undefined ? {} : { maxAge: String(Math.trunc(policy.maxAge / 1000)) }),
      ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
      filterEnabled: { defaultValue: hundredths(100) },
      forwardNotMatchingPreflights: policy.unmatchedPreflights !== "IGNORE",
    }),
  );
}

function httpFault(fault: HTTPFaultInjection): Any | undefined {
  const delayMs = fault.delay?.fixedDelay;
  const delay =
    fault.delay === undefined || delayMs === undefined
      ? undefined
      : {
          percentage: fault.delay.percentage === undefined ? hundredths(fault.delay.percent ?? 0) : millionths(fault.delay.percentage),
          faultDelaySecifier: { case: "fixedDelay" as const, value: durationOf(delayMs) },
        };
  const abortType = abortErrorType(fault);
  const abort =
    abortType === undefined
      ? undefined
      : { errorType: abortType, ...(fault.abort?.percentage === undefined ? {} : { percentage: millionths(fault.abort.percentage) }) };
  if (delay === undefined && abort === undefined) return undefined;
  return pack(
    HTTPFaultSchema,
    create(HTTPFaultSchema, { ...(delay === undefined ? {} : { delay }), ...(abort === undefined ? {} : { abort }) }),
  );
}

function abortErrorType(fault: HTTPFaultInjection): { case: "httpStatus" | "grpcStatus"; value: number } | undefined {
  if (fault.abort?.httpStatus !== undefined) return { case: "httpStatus", value: fault.abort.httpStatus };
  if (fault.abort?.grpcStatus === undefined) return undefined;
  const status = fault.abort.grpcStatus;
  return { case: "grpcStatus", value: GRPC_STATUS.get(status) ?? Number(status) };
}
