// Cluster.load_balancing_policy, which takes the place of lb_policy and its options: the first policy of the list that is known here.
import type { Any } from "@bufbuild/protobuf/wkt";
import { Cluster_RingHashLbConfig_HashFunction as HashFunction } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { LoadBalancingPolicy } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterProvidedSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb";
import type { ConsistentHashingLbConfig, LocalityLbConfig } from "#envoy/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb";
import {
  LeastRequestSchema,
  LeastRequest_SelectionMethod as Selection,
} from "#envoy/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb";
import { MaglevSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb";
import { RandomSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb";
import {
  RingHashSchema,
  RingHash_HashFunction as RingHashFunction,
} from "#envoy/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb";
import { RoundRobinSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb";
import { SubsetSchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb";
import { WrrLocalitySchema } from "#envoy/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb";
import { nameOf, unpack } from "#envoy/any";
import { readLocalities } from "./locality-config.ts";
import type { LocalityBalancing } from "./locality-config.ts";
import { readHashing, readLeastRequest, readMaglev, readRingHash, readSlowStart } from "./lb-config.ts";
import type { Hashing, LbConfig } from "./lb-config.ts";
import { readSubsets } from "./subset-config.ts";
import type { SubsetConfig } from "./subset-config.ts";

export interface BalancingConfig extends LocalityBalancing {
  readonly lb: LbConfig;
  readonly subsets: SubsetConfig | undefined;
}

type Refuse = (path: string, message: string) => void;

const NO_LOCALITIES = readLocalities(undefined, "", () => {});
const NOTHING: BalancingConfig = { lb: { policy: "round-robin", slowStart: undefined }, ...NO_LOCALITIES, subsets: undefined };

export function readLoadBalancingPolicy(
  policy: LoadBalancingPolicy | undefined,
  originalDestination: boolean,
  path: string,
  refuse: Refuse,
): BalancingConfig {
  const known = policy?.policies.find((one) => READERS.has(nameOf(one.typedExtensionConfig?.typedConfig?.typeUrl ?? "")));
  const any = known?.typedExtensionConfig?.typedConfig;
  const read = any === undefined ? undefined : READERS.get(nameOf(any.typeUrl));
  if (any === undefined || read === undefined) {
    const names = (policy?.policies ?? []).map((one) => `"${one.typedExtensionConfig?.name ?? ""}"`);
    refuse(path, `none of its policies (${names.join(", ")}) is known to this proxy`);
    return NOTHING;
  }
  if (originalDestination !== (nameOf(any.typeUrl) === ClusterProvidedSchema.typeName))
    refuse(path, "clusters of type ORIGINAL_DST, and they alone, need cluster_provided");
  const index = policy!.policies.indexOf(known!);
  try {
    return read(any, `${path}.policies[${index}].typed_extension_config.typed_config`, refuse);
  } catch (error) {
    refuse(path, `is not valid: ${String(error)}`);
    return NOTHING;
  }
}

type Reader = (any: Any, path: string, refuse: Refuse) => BalancingConfig;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    RoundRobinSchema.typeName,
    (any, path, refuse) => {
      const wire = unpack(any, RoundRobinSchema)!;
      return of({ policy: "round-robin", slowStart: readSlowStart(wire.slowStartConfig, path, refuse) }, wire, path, refuse);
    },
  ],
  [
    LeastRequestSchema.typeName,
    (any, path, refuse) => {
      const wire = unpack(any, LeastRequestSchema)!;
      const fullScan = wire.enableFullScan ?? wire.selectionMethod === Selection.FULL_SCAN;
      const lb = readLeastRequest(wire, path, refuse);
      return of(fullScan && lb.policy === "least-request" ? { ...lb, fullScan } : lb, wire, path, refuse);
    },
  ],
  [RandomSchema.typeName, (any, path, refuse) => of({ policy: "random" }, unpack(any, RandomSchema)!, path, refuse)],
  [
    RingHashSchema.typeName,
    (any, path, refuse) => {
      const wire = unpack(any, RingHashSchema)!;
      const hashing = readHashingOf(wire, path, refuse);
      const murmur = wire.hashFunction === RingHashFunction.MURMUR_HASH_2;
      const hashFunction = murmur ? HashFunction.MURMUR_HASH_2 : HashFunction.XX_HASH;
      const localityWeighted = wire.localityWeightedLbConfig !== undefined;
      const lb = readRingHash({ ...wire, hashFunction }, path, refuse, hashing);
      return { lb, ...NO_LOCALITIES, localityWeighted, subsets: undefined };
    },
  ],
  [
    MaglevSchema.typeName,
    (any, path, refuse) => {
      const wire = unpack(any, MaglevSchema)!;
      const lb = readMaglev(wire, path, refuse, readHashingOf({ consistentHashingLbConfig: wire.consistentHashingLbConfig }, path, refuse));
      return { lb, ...NO_LOCALITIES, localityWeighted: wire.localityWeightedLbConfig !== undefined, subsets: undefined };
    },
  ],
  [
    WrrLocalitySchema.typeName,
    (any, path, refuse) => {
      const inner = unpack(any, WrrLocalitySchema)!.endpointPickingPolicy;
      return { ...readLoadBalancingPolicy(inner, false, `${path}.endpoint_picking_policy`, refuse), localityWeighted: true };
    },
  ],
  [
    SubsetSchema.typeName,
    (any, path, refuse) => {
      const wire = unpack(any, SubsetSchema)!;
      const inner = readLoadBalancingPolicy(wire.subsetLbPolicy, false, `${path}.subset_lb_policy`, refuse);
      if (inner.subsets !== undefined) refuse(`${path}.subset_lb_policy`, "subsets have no subsets");
      return { ...inner, subsets: readSubsets(wire, path, refuse) };
    },
  ],
  [ClusterProvidedSchema.typeName, () => NOTHING],
]);

function of(
  lb: LbConfig,
  { localityLbConfig }: { readonly localityLbConfig?: LocalityLbConfig | undefined },
  path: string,
  refuse: Refuse,
): BalancingConfig {
  const localities = readLocalities(localityLbConfig?.localityConfigSpecifier, `${path}.locality_lb_config`, refuse);
  return { lb, ...localities, subsets: undefined };
}

interface HashingPolicy {
  readonly consistentHashingLbConfig?: ConsistentHashingLbConfig | undefined;
  /** Fields of old, which count only where there is no message. */
  readonly useHostnameForHashing?: boolean;
  readonly hashBalanceFactor?: number | undefined;
}

function readHashingOf(wire: HashingPolicy, path: string, refuse: Refuse): Hashing {
  const { consistentHashingLbConfig: config } = wire;
  if (config === undefined) return readHashing(wire, path, refuse);
  return readHashing(config, `${path}.consistent_hashing_lb_config`, refuse);
}
