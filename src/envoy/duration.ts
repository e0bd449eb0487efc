// google.protobuf.Duration as milliseconds, the unit of everything that runs here.

/** Structural, so that any generated Duration fits. */
export interface DurationLike {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Milliseconds with a fraction; undefined stays undefined, so that a default can stand behind `??`. */
export function durationMs(duration: DurationLike | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
