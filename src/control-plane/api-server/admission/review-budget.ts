// Analysis looks at the whole mesh: in a large one it would take all of a busy API server's time. What takes long is followed by a rest;
// what is not said then, the control plane's own findings say a moment later.
import type { Finding } from "#api/finding";
import type { JsonObject } from "#control-plane/api-server/json";
import type { Clock } from "#runtime/clock";
import type { ObjectReview } from "./object-review.ts";

/** In meshes of usual size it takes less, and every write is looked at. */
const SHORT_MS = 50;
const REST_FACTOR = 10;

export class ReviewBudget {
  readonly #review: ObjectReview;
  readonly #clock: Clock;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(review: ObjectReview, clock: Clock) {
    this.#review = review;
    this.#clock = clock;
  }

  of(object: JsonObject): readonly Finding[] {
    const startMs = this.#clock.monotonicMs();
    if (startMs < this.#restUntilMs) return [];
    const findings = this.#review([object]);
    const endMs = this.#clock.monotonicMs();
    if (endMs - startMs > SHORT_MS) this.#restUntilMs = endMs + (endMs - startMs) * REST_FACTOR;
    return findings;
  }
}
