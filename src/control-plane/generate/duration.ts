// Milliseconds, as decoded objects have them, to google.protobuf.Duration.
import { create } from "@bufbuild/protobuf";
import { DurationSchema, type Duration } from "@bufbuild/protobuf/wkt";

export function durationOf(milliseconds: number): Duration {
  const seconds = Math.trunc(milliseconds / 1000);
  // Rounded to whole microseconds: 0.1 ms is the finest that YAML durations hold in practice, and floats must not leak digits.
  const nanos = Math.round((milliseconds - seconds * 1000) * 1000) * 1000;
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}
