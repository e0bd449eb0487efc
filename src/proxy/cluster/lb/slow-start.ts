// slow_start_config: a new host begins with little of its weight and has all of it when the window is over.
import type { Clock } from "#runtime/clock";
import type { Host } from "#proxy/cluster/cluster";

export interface SlowStartConfig {
  readonly windowMs: number;
  /** 1: the weight grows evenly; above: fast at first. */
  readonly aggression: number;
  /** Under which runtime layers may say otherwise. */
  readonly aggressionKey?: string;
  readonly minWeightPercent: number;
}

export class SlowStart {
  readonly #config: SlowStartConfig;
  readonly #clock: Clock;

  constructor(config: SlowStartConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** While it is false for all hosts, weights are what they are. */
  concerns(hosts: readonly Host[]): boolean {
    const now = this.#clock.monotonicMs();
    return hosts.some(({ addedMs }) => now - addedMs < this.#config.windowMs);
  }

  /** What of its weight the host has now, above 0 and up to 1. */
  share({ addedMs }: Host): number {
    const { windowMs, aggression, minWeightPercent } = this.#config;
    const age = this.#clock.monotonicMs() - addedMs;
    if (age >= windowMs) return 1;
    return Math.max((Math.max(age, 1) / windowMs) ** (1 / aggression), minWeightPercent / 100);
  }
}
