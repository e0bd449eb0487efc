// Where a histogram counts a value, and what can be said of the counts. Two sets of buckets side by side: Envoy's default Prometheus
// bounds, counted exactly, and log-linear ones (eight to a power of two, so 12.5 % wide) for quantiles.

/** Upper bounds, inclusive; a last bucket without bound follows. */
export const PROMETHEUS_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
];
const PROMETHEUS_BUCKETS = PROMETHEUS_BOUNDS.length + 1;

/** 2^-3 to 2^40; what is below or above falls into the first or last bucket. */
const MIN_EXPONENT = -3;
const MAX_EXPONENT = 40;
const FIRST_KEY = (1023 + MIN_EXPONENT) << 3;
const LOG_BUCKETS = ((MAX_EXPONENT - MIN_EXPONENT) << 3) + 2;

/** Slots of one histogram: the sum, the Prometheus buckets, the log-linear buckets. */
export const HISTOGRAM_SLOTS = 1 + PROMETHEUS_BUCKETS + LOG_BUCKETS;
const LOG_OFFSET = 1 + PROMETHEUS_BUCKETS;

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

/** 0 for everything below 2^MIN_EXPONENT; else 1 + octave and eighth, read off the number's own bits (IEEE 754, little-endian). */
function logBucket(value: number): number {
  bits[0] = value;
  const key = ((words[1] as number) >>> 17) - FIRST_KEY;
  return key < 0 ? 0 : key >= LOG_BUCKETS - 1 ? LOG_BUCKETS - 1 : key + 1;
}

function lowerBound(bucket: number): number {
  if (bucket === 0) return 0;
  const key = bucket - 1;
  return 2 ** (MIN_EXPONENT + (key >> 3)) * (1 + (key & 7) / 8);
}

export function recordValue(slots: Float64Array, base: number, value: number): void {
  // NaN and what is below 0 count as 0; an endless value must not spoil the sum for good.
  const counted = value >= 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : 0;
  slots[base] = (slots[base] as number) + counted;
  let bucket = 0;
  while (bucket < PROMETHEUS_BOUNDS.length && counted > (PROMETHEUS_BOUNDS[bucket] as number)) bucket++;
  const exact = base + 1 + bucket;
  slots[exact] = (slots[exact] as number) + 1;
  const log = base + LOG_OFFSET + logBucket(counted);
  slots[log] = (slots[log] as number) + 1;
}

/** Envoy's quantiles of /stats. */
export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

export interface Bucket {
  readonly lowerBound: number;
  readonly width: number;
  readonly count: number;
}

/** The merged slots of one histogram over all threads. */
export class HistogramSnapshot {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  get sum(): number {
    return this.#slots[0] as number;
  }

  get count(): number {
    let count = 0;
    for (let i = 1; i < LOG_OFFSET; i++) count += this.#slots[i] as number;
    return count;
  }

  /** How many values fell between each of PROMETHEUS_BOUNDS and the one below it. */
  disjoint(): readonly number[] {
    return PROMETHEUS_BOUNDS.map((_, index) => this.#slots[1 + index] as number);
  }

  /** The finer buckets that hold something. */
  buckets(): readonly Bucket[] {
    const found: Bucket[] = [];
    for (let bucket = 0; bucket < LOG_BUCKETS; bucket++) {
      const count = this.#slots[LOG_OFFSET + bucket] as number;
      if (count === 0) continue;
      const from = lowerBound(bucket);
      found.push({ lowerBound: from, width: bucket === LOG_BUCKETS - 1 ? 0 : lowerBound(bucket + 1) - from, count });
    }
    return found;
  }

  /** How many values are at most each of PROMETHEUS_BOUNDS. */
  cumulative(): readonly number[] {
    let count = 0;
    return PROMETHEUS_BOUNDS.map((_, index) => (count += this.#slots[1 + index] as number));
  }

  /** By linear interpolation within a bucket; undefined when nothing was recorded. */
  quantile(share: number): number | undefined {
    const total = this.count;
    if (total === 0) return undefined;
    const rank = share * total;
    let below = 0;
    let upper = 0;
    for (let bucket = 0; bucket < LOG_BUCKETS; bucket++) {
      const inside = this.#slots[LOG_OFFSET + bucket] as number;
      if (inside === 0) continue;
      const from = lowerBound(bucket);
      upper = bucket === LOG_BUCKETS - 1 ? from : lowerBound(bucket + 1);
      if (below + inside >= rank) return from + (upper - from) * Math.max(0, (rank - below) / inside);
      below += inside;
    }
    return upper;
  }
}
