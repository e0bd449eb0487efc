// LocalRateLimit -> frozen config, for the filter and for a route alike.
import type { Any } from "@bufbuild/protobuf/wkt";
import { VhRateLimitsOptions, XRateLimitHeadersRFCVersion } from "#envoy/gen/envoy/extensions/common/ratelimit/v3/ratelimit_pb";
import { LocalRateLimitSchema } from "#envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb";
import type { LocalRateLimit } from "#envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb";
import type { TokenBucket as WireBucket } from "#envoy/gen/envoy/type/v3/token_bucket_pb";
import { durationMs } from "#envoy/duration";
import { wireText } from "#matcher/wire-text";
import { compileHeaderMutation } from "#proxy/route/header-mutation";
import type { HeaderMutation } from "#proxy/route/route";
import { runtimeShare } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";
import type { TokenBucketConfig } from "#proxy/token-bucket";
import { unpackConfig } from "#proxy/unpack-config";
import { descriptorKey } from "./local-rate-limiter.ts";
import type { DescriptorLimit, LimiterConfig } from "./local-rate-limiter.ts";

export interface LocalRateLimitConfig {
  readonly statPrefix: string;
  readonly status: number;
  readonly limiter: LimiterConfig;
  readonly enabled: RuntimeShare;
  readonly enforced: RuntimeShare;
  /** For requests that are over the limit and pass all the same. */
  readonly requestHeaders: HeaderMutation | undefined;
  /** For the answer to requests that do not pass. */
  readonly responseHeaders: HeaderMutation | undefined;
  readonly stage: number;
  readonly virtualHostLimits: "override" | "include" | "ignore";
  readonly perConnection: boolean;
  readonly tellsLimits: boolean;
  /** undefined: as the HTTP status says. */
  readonly grpcStatus: number | undefined;
}

/** Envoy's shortest interval. */
const MIN_FILL_INTERVAL_MS = 50;
const TOO_MANY_REQUESTS = 429;
const RESOURCE_EXHAUSTED = 8;
const MAX_STAGE = 10;

type Refuse = (field: string, message: string) => void;

/** @throws ConfigError naming every field that is wrong or not served */
export function compileLocalRateLimit(any: Any, path: string, perRoute: boolean): LocalRateLimitConfig {
  let config: LocalRateLimitConfig | undefined;
  unpackConfig(any, LocalRateLimitSchema, path, (wire, refuse) => {
    if (perRoute && wire.tokenBucket === undefined) refuse("token_bucket", "must be set for a route");
    config = compileMessage(wire, refuse);
  });
  return Object.freeze(config as LocalRateLimitConfig);
}

function compileMessage(wire: LocalRateLimit, refuse: Refuse): LocalRateLimitConfig {
  if (wire.statPrefix === "") refuse("stat_prefix", "must not be empty");
  if (wire.stage > MAX_STAGE) refuse("stage", `must be at most ${MAX_STAGE}`);
  if (wire.localClusterRateLimit !== undefined) refuse("local_cluster_rate_limit", "not served by this proxy");
  const code: number = wire.status?.code ?? 0;
  const edits = { requestHeadersToAdd: [], requestHeadersToRemove: [], responseHeadersToAdd: [], responseHeadersToRemove: [] };
  return {
    statPrefix: wire.statPrefix,
    // Envoy takes no other status than an error's.
    status: code >= 400 && code < 600 ? code : TOO_MANY_REQUESTS,
    limiter: {
      bucket: wire.tokenBucket === undefined ? undefined : compileBucket(wire.tokenBucket, "token_bucket", refuse),
      descriptors: compileDescriptors(wire, refuse),
      alwaysConsumeDefault: wire.alwaysConsumeDefaultTokenBucket ?? true,
    },
    enabled: runtimeShare(wire.filterEnabled, 0),
    enforced: runtimeShare(wire.filterEnforced, 0),
    requestHeaders: compileHeaderMutation(
      { ...edits, requestHeadersToAdd: wire.requestHeadersToAddWhenNotEnforced },
      "request_headers_to_add_when_not_enforced",
      refuse,
    ),
    responseHeaders: compileHeaderMutation(
      { ...edits, responseHeadersToAdd: wire.responseHeadersToAdd },
      "response_headers_to_add",
      refuse,
    ),
    stage: wire.stage,
    virtualHostLimits:
      wire.vhRateLimits === VhRateLimitsOptions.INCLUDE
        ? "include"
        : wire.vhRateLimits === VhRateLimitsOptions.IGNORE
          ? "ignore"
          : "override",
    perConnection: wire.localRateLimitPerDownstreamConnection,
    tellsLimits: wire.enableXRatelimitHeaders === XRateLimitHeadersRFCVersion.DRAFT_VERSION_03,
    grpcStatus: wire.rateLimitedAsResourceExhausted ? RESOURCE_EXHAUSTED : undefined,
  };
}

function compileDescriptors({ descriptors }: LocalRateLimit, refuse: Refuse): readonly DescriptorLimit[] {
  const seen = new Set<string>();
  return descriptors.map((descriptor, index) => {
    const at = `descriptors[${index}]`;
    if (descriptor.entries.length === 0) refuse(`${at}.entries`, "must not be empty");
    const entries = descriptor.entries.map(({ key, value }, which) => {
      if (key === "") refuse(`${at}.entries[${which}].key`, "must not be empty");
      return { key, value: wireText(value) };
    });
    if (descriptor.tokenBucket === undefined) refuse(`${at}.token_bucket`, "must be set");
    const key = descriptorKey(entries);
    if (seen.has(key)) refuse(at, "stands twice");
    seen.add(key);
    return { entries, bucket: compileBucket(descriptor.tokenBucket, `${at}.token_bucket`, refuse) };
  });
}

function compileBucket(wire: WireBucket | undefined, at: string, refuse: Refuse): TokenBucketConfig {
  const maxTokens = wire?.maxTokens ?? 1;
  const tokensPerFill = wire?.tokensPerFill ?? 1;
  const fillIntervalMs = durationMs(wire?.fillInterval) ?? 0;
  if (maxTokens < 1) refuse(`${at}.max_tokens`, "must be at least 1");
  if (tokensPerFill < 1) refuse(`${at}.tokens_per_fill`, "must be at least 1");
  if (wire !== undefined && fillIntervalMs < MIN_FILL_INTERVAL_MS)
    refuse(`${at}.fill_interval`, `must be at least ${MIN_FILL_INTERVAL_MS} ms`);
  return { maxTokens, tokensPerFill, fillIntervalMs };
}
