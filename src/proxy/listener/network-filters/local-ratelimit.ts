// envoy.filters.network.local_ratelimit: a token a connection, or it is closed. Each traffic thread has a bucket of its own.
import { LocalRateLimitSchema } from "#envoy/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb";
import { durationMs } from "#envoy/duration";
import type { ConnectionFilterFactory, NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { flagNow, runtimeFlag } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";
import { TokenBucket } from "#proxy/token-bucket";

/** Envoy's shortest interval. */
const MIN_FILL_INTERVAL_MS = 50;

export const localRateLimitCompiler: NetworkFilterCompiler = {
  configTypes: [LocalRateLimitSchema.typeName],
  compile(_name, any, path, thread): ConnectionFilterFactory {
    const wire = unpackConfig(any, LocalRateLimitSchema, path, ({ statPrefix, tokenBucket }, refuse) => {
      if (statPrefix === "") refuse("stat_prefix", "must not be empty");
      if (tokenBucket === undefined || tokenBucket.maxTokens < 1) refuse("token_bucket.max_tokens", "must be at least 1");
      if (tokenBucket?.tokensPerFill === 0) refuse("token_bucket.tokens_per_fill", "must be at least 1");
      if ((durationMs(tokenBucket?.fillInterval) ?? 0) < MIN_FILL_INTERVAL_MS)
        refuse("token_bucket.fill_interval", `must be at least ${MIN_FILL_INTERVAL_MS} ms`);
    });
    if (thread === undefined) return { onNewConnection: () => "continue" };
    const enabled = runtimeFlag(wire.runtimeEnabled, true);
    const bucket = new TokenBucket(
      {
        maxTokens: wire.tokenBucket?.maxTokens ?? 1,
        tokensPerFill: wire.tokenBucket?.tokensPerFill ?? 1,
        fillIntervalMs: durationMs(wire.tokenBucket?.fillInterval) ?? MIN_FILL_INTERVAL_MS,
      },
      thread.clock,
    );
    const scope = thread.stats.scope("local_rate_limit", wire.statPrefix);
    const limited = scope.counter("rate_limited");
    return {
      onNewConnection() {
        if (!flagNow(enabled, thread.runtime) || bucket.take()) return "continue";
        limited.inc();
        return "close";
      },
      release: () => scope.release(),
    };
  },
};
