// Fields that runtime layers may overrule, compiled: what the configuration says, and the key under which somebody may say otherwise.
// Without a key it is a constant: no layer is asked.
import type { RuntimeFeatureFlag, RuntimeFractionalPercent } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { FractionalPercent } from "#envoy/gen/envoy/type/v3/percent_pb";
import { FractionalPercent_DenominatorType } from "#envoy/gen/envoy/type/v3/percent_pb";
import type { Runtime } from "./runtime.ts";

export interface RuntimeShare {
  /** "": none. */
  readonly key: string;
  /** In [0, 1]. */
  readonly otherwise: number;
}

export interface RuntimeFlag {
  /** "": none. */
  readonly key: string;
  readonly otherwise: boolean;
}

const DENOMINATORS: Readonly<Record<FractionalPercent_DenominatorType, number>> = {
  [FractionalPercent_DenominatorType.HUNDRED]: 100,
  [FractionalPercent_DenominatorType.TEN_THOUSAND]: 10_000,
  [FractionalPercent_DenominatorType.MILLION]: 1_000_000,
};

/** What a numerator is of. */
export function denominator(percent: FractionalPercent | undefined): number {
  return DENOMINATORS[percent?.denominator ?? FractionalPercent_DenominatorType.HUNDRED] ?? 100;
}

/** A share in [0, 1]. */
export function fraction(percent: FractionalPercent | undefined): number {
  return percent === undefined ? 0 : Math.min(1, percent.numerator / denominator(percent));
}

/** `missing`: where nothing is configured. */
export function runtimeShare(wire: RuntimeFractionalPercent | undefined, missing: number): RuntimeShare {
  return wire === undefined ? { key: "", otherwise: missing } : { key: wire.runtimeKey, otherwise: fraction(wire.defaultValue) };
}

export function runtimeFlag(wire: RuntimeFeatureFlag | undefined, missing: boolean): RuntimeFlag {
  return wire === undefined ? { key: "", otherwise: missing } : { key: wire.runtimeKey, otherwise: wire.defaultValue ?? missing };
}

/** False: whatever the layers say, it is never anything but 0. */
export function canHold({ key, otherwise }: RuntimeShare): boolean {
  return key !== "" || otherwise > 0;
}

export function shareNow({ key, otherwise }: RuntimeShare, runtime: Runtime): number {
  return key === "" ? otherwise : runtime.share(key, otherwise);
}

export function flagNow({ key, otherwise }: RuntimeFlag, runtime: Runtime): boolean {
  return key === "" ? otherwise : runtime.flag(key, otherwise);
}
