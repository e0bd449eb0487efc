// Shares of requests, as Envoy counts them.
import { create } from "@bufbuild/protobuf";
import {
  FractionalPercent_DenominatorType as Denominator,
  FractionalPercentSchema,
  type FractionalPercent,
} from "#envoy/gen/envoy/type/v3/percent_pb";
import type { Percent } from "#api/virtual-service";

export function hundredths(percent: number): FractionalPercent {
  return create(FractionalPercentSchema, { numerator: percent, denominator: Denominator.HUNDRED });
}

export function millionths(percent: Percent): FractionalPercent {
  // Truncated as Istio does, after rounding away what binary fractions add: 0.1 % is 1,000 millionths, not 999.
  const numerator = Math.trunc(Number(((percent.value ?? 0) * 10_000).toFixed(6)));
  return create(FractionalPercentSchema, { numerator, denominator: Denominator.MILLION });
}
