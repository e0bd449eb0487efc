// lb_subset_config, and the subset policy's message of the same form -> SubsetConfig.
import type { JsonObject } from "@bufbuild/protobuf";
import {
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy as Fallback,
  Cluster_LbSubsetConfig_LbSubsetMetadataFallbackPolicy as MetadataFallback,
  Cluster_LbSubsetConfig_LbSubsetSelector_LbSubsetSelectorFallbackPolicy as SelectorFallback,
} from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";

export type SubsetFallback = "none" | "any-endpoint" | "default-subset";

export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  readonly singleHost: boolean;
  /** undefined: the cluster's own. */
  readonly fallback: SubsetFallback | { readonly keys: readonly string[] } | undefined;
}

export interface SubsetConfig {
  readonly fallback: SubsetFallback;
  readonly defaultSubset: JsonObject;
  readonly selectors: readonly SubsetSelector[];
  /** Subsets keep to the weights of localities. */
  readonly localityWeightAware: boolean;
  readonly scaleLocalityWeight: boolean;
  /** Where the fallback has no host: any. */
  readonly panicModeAny: boolean;
  /** A list in an endpoint's metadata stands for each of its values. */
  readonly listAsAny: boolean;
  /** A request may name several sets of metadata to try in turn. */
  readonly fallbackList: boolean;
}

/** The numbers are the same in both forms. */
interface SubsetWire {
  readonly fallbackPolicy: number;
  readonly defaultSubset?: JsonObject | undefined;
  readonly subsetSelectors: readonly {
    readonly keys: readonly string[];
    readonly singleHostPerSubset: boolean;
    readonly fallbackPolicy: number;
    readonly fallbackKeysSubset: readonly string[];
  }[];
  readonly localityWeightAware: boolean;
  readonly scaleLocalityWeight: boolean;
  readonly panicModeAny: boolean;
  readonly listAsAny: boolean;
  readonly metadataFallbackPolicy: number;
}

type Refuse = (path: string, message: string) => void;

const KEYS_SUBSET: number = SelectorFallback.KEYS_SUBSET;
const FALLBACK_LIST: number = MetadataFallback.FALLBACK_LIST;
const FALLBACKS: ReadonlyMap<number, SubsetFallback> = new Map([
  [Fallback.NO_FALLBACK, "none"],
  [Fallback.ANY_ENDPOINT, "any-endpoint"],
  [Fallback.DEFAULT_SUBSET, "default-subset"],
]);

export function readSubsets(wire: SubsetWire, path: string, refuse: Refuse): SubsetConfig {
  const fallback = FALLBACKS.get(wire.fallbackPolicy);
  if (fallback === undefined) refuse(`${path}.fallback_policy`, `${wire.fallbackPolicy} is not known`);
  return Object.freeze({
    fallback: fallback ?? "none",
    defaultSubset: wire.defaultSubset ?? {},
    selectors: wire.subsetSelectors.map((selector, index) => readSelector(selector, `${path}.subset_selectors[${index}]`, refuse)),
    localityWeightAware: wire.localityWeightAware,
    scaleLocalityWeight: wire.scaleLocalityWeight,
    panicModeAny: wire.panicModeAny,
    listAsAny: wire.listAsAny,
    fallbackList: wire.metadataFallbackPolicy === FALLBACK_LIST,
  });
}

function readSelector(wire: SubsetWire["subsetSelectors"][number], path: string, refuse: Refuse): SubsetSelector {
  const keys = [...new Set(wire.keys)].sort();
  if (keys.length === 0) refuse(`${path}.keys`, "must not be empty");
  if (wire.singleHostPerSubset && keys.length > 1) refuse(`${path}.single_host_per_subset`, "needs exactly one key");
  const keysSubset = wire.fallbackPolicy === KEYS_SUBSET;
  const subset = [...new Set(wire.fallbackKeysSubset)].sort();
  if (keysSubset && (subset.length === 0 || subset.length >= keys.length || subset.some((key) => !keys.includes(key))))
    refuse(`${path}.fallback_keys_subset`, "must hold some of the selector's keys, and not all");
  if (!keysSubset && subset.length > 0) refuse(`${path}.fallback_keys_subset`, "needs the fallback policy KEYS_SUBSET");
  // NOT_DEFINED is 0, so that each of the others is one more than the cluster's.
  const fallback = keysSubset ? { keys: subset } : FALLBACKS.get(wire.fallbackPolicy - 1);
  return { keys, singleHost: wire.singleHostPerSubset, fallback };
}
