// BandwidthLimit -> frozen config, for the filter and for a route alike.
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  BandwidthLimit_EnableMode as Mode,
  BandwidthLimitSchema,
} from "#envoy/gen/envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb";
import { durationMs } from "#envoy/duration";
import { asciiLower } from "#matcher/wire-text";
import { DEFAULT_FILL_INTERVAL_MS } from "#proxy/http/rate-limited-body";
import { runtimeFlag } from "#proxy/runtime/runtime-fields";
import type { RuntimeFlag } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";

export interface BandwidthLimitConfig {
  readonly statPrefix: string;
  readonly limitsRequests: boolean;
  readonly limitsResponses: boolean;
  readonly enabled: RuntimeFlag;
  readonly bytesPerSecond: number;
  readonly fillIntervalMs: number;
  readonly responseTrailers: boolean;
  /** "" or with "-" behind it. */
  readonly trailerPrefix: string;
}

/** @throws ConfigError naming every field that is wrong or not served */
export function compileBandwidthLimit(any: Any, path: string, perRoute: boolean): BandwidthLimitConfig {
  const wire = unpackConfig(any, BandwidthLimitSchema, path, (config, refuse) => {
    const { enableMode, limitKbps, fillInterval } = config;
    if (config.statPrefix === "") refuse("stat_prefix", "must not be empty");
    if (Mode[enableMode] === undefined) refuse("enable_mode", `${enableMode} is not known`);
    if (limitKbps === undefined ? perRoute || enableMode !== Mode.DISABLED : limitKbps < 1n) refuse("limit_kbps", "must be at least 1");
    const intervalMs = durationMs(fillInterval);
    if (intervalMs !== undefined && (intervalMs < 20 || intervalMs > 1000)) refuse("fill_interval", "must be from 20 ms to 1 s");
  });
  const prefix = asciiLower(wire.responseTrailerPrefix);
  return Object.freeze({
    statPrefix: wire.statPrefix,
    limitsRequests: wire.enableMode === Mode.REQUEST || wire.enableMode === Mode.REQUEST_AND_RESPONSE,
    limitsResponses: wire.enableMode === Mode.RESPONSE || wire.enableMode === Mode.REQUEST_AND_RESPONSE,
    enabled: runtimeFlag(wire.runtimeEnabled, true),
    bytesPerSecond: Number(wire.limitKbps ?? 1n) * 1024,
    fillIntervalMs: durationMs(wire.fillInterval) ?? DEFAULT_FILL_INTERVAL_MS,
    responseTrailers: wire.enableResponseTrailers,
    trailerPrefix: prefix === "" ? "" : `${prefix}-`,
  });
}
