// lb_policy and its options -> LbConfig, with Envoy's defaults and limits.
import { Cluster_LbPolicy, Cluster_RingHashLbConfig_HashFunction as HashFunction } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster, Cluster_SlowStartConfig } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { RuntimeDouble } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { durationMs } from "#envoy/duration";
import type { SlowStartConfig } from "./lb/slow-start.ts";

export type LbConfig =
  | { readonly policy: "round-robin"; readonly slowStart: SlowStartConfig | undefined }
  | { readonly policy: "random" }
  | {
      readonly policy: "least-request";
      readonly choiceCount: number;
      readonly activeRequestBias: number;
      /** Under which runtime layers may say otherwise. */
      readonly activeRequestBiasKey?: string;
      readonly fullScan?: boolean;
      readonly slowStart: SlowStartConfig | undefined;
    }
  | ({
      readonly policy: "ring-hash";
      readonly minimumRingSize: number;
      readonly maximumRingSize: number;
      readonly murmur?: boolean;
    } & Hashing)
  | ({ readonly policy: "maglev"; readonly tableSize: number } & Hashing);

/** What policies that hash have in common. */
export interface Hashing {
  readonly useHostname?: boolean;
  /** What a host may have of the running requests, in per cent of the average; undefined: there is no bound. */
  readonly balanceFactorPercent?: number;
}

type Refuse = (path: string, message: string) => void;

const DEFAULT_MIN_WEIGHT_PERCENT = 10;
const DEFAULT_MINIMUM_RING_SIZE = 1024;
const MAX_RING_SIZE = 8 * 1024 * 1024;
const DEFAULT_TABLE_SIZE = 65_537;
const MAX_TABLE_SIZE = 5_000_011;

export function readLb(wire: Cluster, originalDestination: boolean, refuse: Refuse): LbConfig {
  const config = wire.lbConfig;
  if (wire.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED) {
    if (!originalDestination) refuse("lb_policy", "CLUSTER_PROVIDED needs a cluster of type ORIGINAL_DST");
    return { policy: "round-robin", slowStart: undefined };
  }
  if (originalDestination) refuse("lb_policy", "a cluster of type ORIGINAL_DST needs CLUSTER_PROVIDED");
  const hashing = readHashing(wire.commonLbConfig?.consistentHashingLbConfig, "common_lb_config.consistent_hashing_lb_config", refuse);
  switch (wire.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return {
        policy: "round-robin",
        slowStart:
          config.case === "roundRobinLbConfig" ? readSlowStart(config.value.slowStartConfig, "round_robin_lb_config", refuse) : undefined,
      };
    case Cluster_LbPolicy.RANDOM:
      return { policy: "random" };
    case Cluster_LbPolicy.LEAST_REQUEST:
      return readLeastRequest(config.case === "leastRequestLbConfig" ? config.value : {}, "least_request_lb_config", refuse);
    case Cluster_LbPolicy.RING_HASH:
      return readRingHash(config.case === "ringHashLbConfig" ? config.value : {}, "ring_hash_lb_config", refuse, hashing);
    case Cluster_LbPolicy.MAGLEV:
      return readMaglev(config.case === "maglevLbConfig" ? config.value : {}, "maglev_lb_config", refuse, hashing);
    default:
      refuse("lb_policy", `${Cluster_LbPolicy[wire.lbPolicy] ?? String(wire.lbPolicy)} is not served yet`);
      return { policy: "round-robin", slowStart: undefined };
  }
}

/** Of the cluster's own fields or of a policy's message: both say the same. */
type SlowStartWire = Pick<Cluster_SlowStartConfig, "slowStartWindow" | "aggression" | "minWeightPercent">;

export function readSlowStart(wire: SlowStartWire | undefined, path: string, refuse: Refuse): SlowStartConfig | undefined {
  const windowMs = durationMs(wire?.slowStartWindow) ?? 0;
  if (wire === undefined || windowMs <= 0) return undefined;
  const aggression = wire.aggression?.defaultValue ?? 1;
  const minWeightPercent = wire.minWeightPercent?.value ?? DEFAULT_MIN_WEIGHT_PERCENT;
  if (minWeightPercent < 0 || minWeightPercent > 100) refuse(`${path}.slow_start_config.min_weight_percent`, "must be from 0 to 100");
  // As Envoy: what is not above 0 counts as 1.
  const key = wire.aggression?.runtimeKey ?? "";
  return { windowMs, aggression: aggression > 0 ? aggression : 1, ...(key === "" ? {} : { aggressionKey: key }), minWeightPercent };
}

interface LeastRequestWire {
  readonly choiceCount?: number | undefined;
  readonly activeRequestBias?: Pick<RuntimeDouble, "defaultValue" | "runtimeKey"> | undefined;
  readonly slowStartConfig?: SlowStartWire | undefined;
}

export function readLeastRequest(wire: LeastRequestWire, path: string, refuse: Refuse): LbConfig {
  const { choiceCount = 2, activeRequestBias, slowStartConfig } = wire;
  const slowStart = readSlowStart(slowStartConfig, path, refuse);
  if (choiceCount < 2) refuse(`${path}.choice_count`, "must be at least 2");
  const bias = activeRequestBias?.defaultValue ?? 1;
  if (bias < 0) refuse(`${path}.active_request_bias`, "must not be below 0");
  const key = activeRequestBias?.runtimeKey ?? "";
  return { policy: "least-request", choiceCount, activeRequestBias: bias, ...(key === "" ? {} : { activeRequestBiasKey: key }), slowStart };
}

interface HashingWire {
  readonly useHostnameForHashing?: boolean;
  readonly hashBalanceFactor?: number | undefined;
}

export function readHashing(wire: HashingWire | undefined, path: string, refuse: Refuse): Hashing {
  const factor = wire?.hashBalanceFactor;
  if (factor !== undefined && factor < 100) refuse(`${path}.hash_balance_factor`, "must be at least 100");
  return {
    ...(wire?.useHostnameForHashing === true ? { useHostname: true } : {}),
    ...(factor === undefined ? {} : { balanceFactorPercent: factor }),
  };
}

interface RingHashWire {
  readonly minimumRingSize?: bigint | undefined;
  readonly maximumRingSize?: bigint | undefined;
  readonly hashFunction?: HashFunction | undefined;
}

export function readRingHash(wire: RingHashWire, path: string, refuse: Refuse, hashing: Hashing = {}): LbConfig {
  const minimumRingSize = Number(wire.minimumRingSize ?? DEFAULT_MINIMUM_RING_SIZE);
  const maximumRingSize = Number(wire.maximumRingSize ?? MAX_RING_SIZE);
  const { hashFunction = HashFunction.XX_HASH } = wire;
  const murmur = hashFunction === HashFunction.MURMUR_HASH_2;
  if (!murmur && hashFunction !== HashFunction.XX_HASH)
    refuse(`${path}.hash_function`, `${HashFunction[hashFunction] ?? String(hashFunction)} is not served yet`);
  if (minimumRingSize > MAX_RING_SIZE) refuse(`${path}.minimum_ring_size`, `must not be above ${MAX_RING_SIZE}`);
  if (maximumRingSize > MAX_RING_SIZE) refuse(`${path}.maximum_ring_size`, `must not be above ${MAX_RING_SIZE}`);
  if (minimumRingSize > maximumRingSize) refuse(`${path}.minimum_ring_size`, "must not be above maximum_ring_size");
  return { policy: "ring-hash", minimumRingSize, maximumRingSize, ...(murmur ? { murmur } : {}), ...hashing };
}

export function readMaglev(
  wire: { readonly tableSize?: bigint | undefined },
  path: string,
  refuse: Refuse,
  hashing: Hashing = {},
): LbConfig {
  const tableSize = Number(wire.tableSize ?? DEFAULT_TABLE_SIZE);
  if (tableSize > MAX_TABLE_SIZE) refuse(`${path}.table_size`, `must not be above ${MAX_TABLE_SIZE}`);
  else if (!isPrime(tableSize)) refuse(`${path}.table_size`, `${tableSize} is not a prime number`);
  return { policy: "maglev", tableSize, ...hashing };
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}
