// Envoy's statistics of one subscription: attempts, outcomes, and which version is held since when.
import { xxHash64 } from "#runtime/xx-hash64";
import { dottedName } from "#telemetry/stats/stat-name";
import type { TextReadout } from "#telemetry/stats/stats-reader";
import type { Counter, Gauge, Histogram, NamePart, StatsScope } from "#telemetry/stats/store";

export class SubscriptionStats {
  readonly #prefix: readonly NamePart[];
  readonly #scope: StatsScope;
  readonly #attempt: Counter;
  readonly #success: Counter;
  readonly #rejected: Counter;
  readonly #failure: Counter;
  readonly #updateTime: Gauge;
  readonly #updateDuration: Histogram;
  readonly #version: Gauge;
  readonly #fetchTimeout: Counter;
  readonly #more: ReadonlyMap<string, Counter>;
  #versionText = "";

  /** `more`: counters that only some subscriptions have. */
  constructor(stats: StatsScope, prefix: readonly NamePart[], more: readonly string[] = []) {
    this.#prefix = prefix;
    this.#scope = stats.scope(...prefix);
    this.#attempt = this.#scope.counter("update_attempt");
    this.#success = this.#scope.counter("update_success");
    this.#rejected = this.#scope.counter("update_rejected");
    this.#failure = this.#scope.counter("update_failure");
    this.#updateTime = this.#scope.gauge("update_time");
    this.#updateDuration = this.#scope.histogram("update_duration");
    this.#version = this.#scope.gauge("version");
    this.#fetchTimeout = this.#scope.counter("init_fetch_timeout");
    this.#more = new Map(more.map((name) => [name, this.#scope.counter(name)]));
    // As Envoy, asking is an attempt, and so is each answer.
    this.#attempt.inc();
  }

  attempt(): void {
    this.#attempt.inc();
  }

  count(name: string): void {
    this.#more.get(name)?.inc();
  }

  reject(): void {
    this.#rejected.inc();
  }

  fetchTimedOut(): void {
    this.#fetchTimeout.inc();
  }

  /** Nobody can be asked. */
  fail(): void {
    this.#failure.inc();
  }

  succeed(version: string, wallMs: number, durationMs: number): void {
    this.#success.inc();
    this.#updateTime.set(wallMs);
    this.#updateDuration.record(durationMs);
    this.hold(version);
  }

  hold(version: string): void {
    if (version === this.#versionText) return;
    this.#versionText = version;
    // A number in the place of a text, which differs when the text does. It has 64 bits in Envoy, of which a sample keeps 53.
    this.#version.set(Number(xxHash64(Buffer.from(version))));
  }

  get versionText(): TextReadout {
    return versionText(this.#prefix, this.#versionText);
  }

  release(): void {
    this.#scope.release();
  }
}

export function versionText(prefix: readonly NamePart[], value: string): TextReadout {
  const parts = [...prefix, "version_text"];
  return { kind: "text-readout", name: dottedName(parts), parts, value };
}
