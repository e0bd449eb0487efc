// How a cluster chooses an endpoint.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_LbPolicy as LbPolicy, type ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ConsistentHash, LoadBalancerSettings } from "#api/destination-rule";
import { durationOf } from "#control-plane/generate/duration";

type Balancing = Pick<MessageInitShape<typeof ClusterSchema>, "lbPolicy" | "lbConfig">;

const DEFAULT_RING_SIZE = 1024;
/** Istio's: a new endpoint's share grows linearly, from a tenth. */
const LINEAR = 1;
const FIRST_SHARE_PERCENT = 10;
/** Envoy asks for a runtime key; istiod sends one that nobody sets. */
const AGGRESSION_KEY = "(";

export function loadBalancing(settings: LoadBalancerSettings | undefined): Balancing {
  if (settings?.consistentHash !== undefined) return hashing(settings.consistentHash);
  switch (settings?.simple) {
    case "RANDOM":
      return { lbPolicy: LbPolicy.RANDOM };
    case "ROUND_ROBIN": {
      const slowStartConfig = slowStart(settings);
      return {
        lbPolicy: LbPolicy.ROUND_ROBIN,
        ...(slowStartConfig === undefined ? {} : { lbConfig: { case: "roundRobinLbConfig", value: { slowStartConfig } } }),
      };
    }
    default: {
      const slowStartConfig = slowStart(settings);
      return {
        lbPolicy: LbPolicy.LEAST_REQUEST,
        ...(slowStartConfig === undefined ? {} : { lbConfig: { case: "leastRequestLbConfig", value: { slowStartConfig } } }),
      };
    }
  }
}

function hashing({ ringHash, maglev, minimumRingSize = 0 }: ConsistentHash): Balancing {
  if (maglev !== undefined) {
    const { tableSize = 0 } = maglev;
    return {
      lbPolicy: LbPolicy.MAGLEV,
      ...(tableSize === 0 ? {} : { lbConfig: { case: "maglevLbConfig", value: { tableSize: BigInt(tableSize) } } }),
    };
  }
  const size = ringHash === undefined ? minimumRingSize || DEFAULT_RING_SIZE : (ringHash.minimumRingSize ?? 0);
  return {
    lbPolicy: LbPolicy.RING_HASH,
    ...(size === 0 ? {} : { lbConfig: { case: "ringHashLbConfig", value: { minimumRingSize: BigInt(size) } } }),
  };
}

function slowStart(settings: LoadBalancerSettings | undefined) {
  if (settings?.warmup !== undefined) {
    const { duration, aggression = LINEAR, minimumPercent = FIRST_SHARE_PERCENT } = settings.warmup;
    return {
      slowStartWindow: durationOf(duration),
      aggression: { defaultValue: aggression, runtimeKey: AGGRESSION_KEY },
      minWeightPercent: { value: minimumPercent },
    };
  }
  if (settings?.warmupDurationSecs === undefined) return undefined;
  return { slowStartWindow: durationOf(settings.warmupDurationSecs) };
}
