// Route.tracing: how many of a route's requests would be traced, in the place of what the connection manager says.
import type { Tracing } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { FractionalPercent_DenominatorType as Denominator } from "#envoy/gen/envoy/type/v3/percent_pb";
import type { FractionalPercent } from "#envoy/gen/envoy/type/v3/percent_pb";

/** So many of so many. */
export interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

export interface TraceSampling {
  readonly client: Share;
  readonly random: Share;
  readonly overall: Share;
}

const ALL: Share = Object.freeze({ numerator: 100, denominator: 100 });
const SIZES: Readonly<Record<Denominator, number>> = {
  [Denominator.HUNDRED]: 100,
  [Denominator.TEN_THOUSAND]: 10_000,
  [Denominator.MILLION]: 1_000_000,
};

/** What it leaves out is all of them, whatever the connection manager says. */
export function compileTraceSampling(tracing: Tracing | undefined): TraceSampling | undefined {
  if (tracing === undefined) return undefined;
  const { clientSampling, randomSampling, overallSampling } = tracing;
  return Object.freeze({ client: shareOf(clientSampling), random: shareOf(randomSampling), overall: shareOf(overallSampling) });
}

function shareOf(percent: FractionalPercent | undefined): Share {
  return percent === undefined ? ALL : Object.freeze({ numerator: percent.numerator, denominator: SIZES[percent.denominator] ?? 100 });
}

export function isTaken({ numerator, denominator }: Share, place: number): boolean {
  return place % denominator < numerator;
}
