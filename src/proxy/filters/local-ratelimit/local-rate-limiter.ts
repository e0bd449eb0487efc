// The token buckets of one local rate limit: one for every request, and one for each descriptor that has its own.
import type { Descriptor } from "#proxy/route/rate-limit-actions";
import { TokenBucket } from "#proxy/token-bucket";
import type { TokenBucketConfig } from "#proxy/token-bucket";
import type { Clock } from "#runtime/clock";

export interface LimiterConfig {
  /** undefined: requests without a descriptor of their own are not limited. */
  readonly bucket: TokenBucketConfig | undefined;
  readonly descriptors: readonly DescriptorLimit[];
  readonly alwaysConsumeDefault: boolean;
}

export interface DescriptorLimit {
  /** An entry whose value is "" takes every value, each with a bucket of its own. */
  readonly entries: Descriptor;
  readonly bucket: TokenBucketConfig;
}

export interface LimitResult {
  readonly allowed: boolean;
  /** The one that decided: what x-ratelimit headers tell of. */
  readonly bucket: TokenBucket | undefined;
}

/** Buckets for values of one wildcard descriptor; the least recently used goes first. Envoy's default. */
const MAX_DYNAMIC_DESCRIPTORS = 20;

export class LocalRateLimiter {
  readonly #config: LimiterConfig;
  readonly #clock: Clock;
  readonly #default: TokenBucket | undefined;
  readonly #exact = new Map<string, TokenBucket>();
  readonly #wildcards: { readonly limit: DescriptorLimit; readonly buckets: Map<string, TokenBucket> }[] = [];

  constructor(config: LimiterConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#default = config.bucket === undefined ? undefined : new TokenBucket(config.bucket, clock);
    for (const limit of config.descriptors) {
      if (limit.entries.some(({ value }) => value === "")) this.#wildcards.push({ limit, buckets: new Map() });
      else this.#exact.set(descriptorKey(limit.entries), new TokenBucket(limit.bucket, clock));
    }
  }

  /** Takes a token of every bucket that the request belongs to, the strictest first, until one has none left. */
  ask(descriptors: readonly Descriptor[]): LimitResult {
    const matched: TokenBucket[] = [];
    for (const descriptor of descriptors) {
      const bucket = this.#exact.get(descriptorKey(descriptor)) ?? this.#dynamic(descriptor);
      if (bucket !== undefined) matched.push(bucket);
    }
    if (matched.length > 1) matched.sort((a, b) => a.tokensPerMs - b.tokensPerMs);
    for (const bucket of matched) if (!bucket.take()) return { allowed: false, bucket };
    const [strictest] = matched;
    if (strictest !== undefined && !this.#config.alwaysConsumeDefault) return { allowed: true, bucket: strictest };
    const bucket = this.#default;
    if (bucket !== undefined && !bucket.take()) return { allowed: false, bucket };
    return { allowed: true, bucket: strictest ?? bucket };
  }

  #dynamic(descriptor: Descriptor): TokenBucket | undefined {
    const found = this.#wildcards.find(({ limit }) => takes(limit.entries, descriptor));
    if (found === undefined) return undefined;
    const { limit, buckets } = found;
    const key = descriptorKey(descriptor);
    const bucket = buckets.get(key) ?? new TokenBucket(limit.bucket, this.#clock);
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size > MAX_DYNAMIC_DESCRIPTORS) {
      const oldest = buckets.keys().next();
      if (oldest.done !== true) buckets.delete(oldest.value);
    }
    return bucket;
  }
}

export function descriptorKey(descriptor: Descriptor): string {
  // NUL stands neither in keys nor in header values.
  return descriptor.map(({ key, value }) => `${key}\0${value}`).join("\0\0");
}

function takes(wildcard: Descriptor, descriptor: Descriptor): boolean {
  return (
    wildcard.length === descriptor.length &&
    wildcard.every(({ key, value }, at) => {
      const entry = descriptor[at]!;
      return entry.key === key && (value === "" || entry.value === value);
    })
  );
}
