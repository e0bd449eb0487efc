// rate_limited_retry_back_off: headers by which an upstream says how long to leave it alone.
import {
  RetryPolicy_ResetHeaderFormat as Format,
  type RetryPolicy_RateLimitedRetryBackOff,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { durationMs } from "#envoy/duration";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";
import type { ResponseHeaderMap } from "#proxy/http/header-map";

/** How long to wait, by the first header that says something of use; undefined: none does. */
export type ResetInterval = (headers: ResponseHeaderMap, wallMs: number) => number | undefined;

const DEFAULT_MAX_MS = 300_000;

export function compileResetHeaders(
  config: RetryPolicy_RateLimitedRetryBackOff | undefined,
  path: string,
  report: ReportViolation,
): ResetInterval | undefined {
  if (config === undefined) return undefined;
  const maxMs = durationMs(config.maxInterval) ?? DEFAULT_MAX_MS;
  if (maxMs <= 0) report(`${path}.max_interval`, "must be greater than 0");
  if (config.resetHeaders.length === 0) report(`${path}.reset_headers`, "must not be empty");
  const headers = config.resetHeaders.map(({ name, format }, index) => {
    if (name === "") report(`${path}.reset_headers[${index}].name`, "must not be empty");
    return { name: asciiLower(name), absolute: format === Format.UNIX_TIMESTAMP };
  });
  return (response, wallMs) => {
    for (const { name, absolute } of headers) {
      const text = response.get(name);
      if (text === undefined || !/^\d{1,15}$/.test(text)) continue;
      const ms = absolute ? (Number(text) - Math.trunc(wallMs / 1000)) * 1000 : Number(text) * 1000;
      if (ms > 0 && ms <= maxMs) return ms;
    }
    return undefined;
  };
}
