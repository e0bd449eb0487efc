// The checks of one host: when the next one is due, and what results make of the host's health. The transitions are Envoy's
// (health_checker_base_impl.cc).
import type { Clock, Timer } from "#runtime/clock";
import type { Runtime } from "#proxy/runtime/runtime";
import type { Random } from "#runtime/random";
import { PENDING } from "./active-health.ts";
import type { ActiveHealth } from "./active-health.ts";
import type { HealthCheckConfig } from "./health-check-config.ts";
import type { HealthCheckStats } from "./health-check-stats.ts";
import type { HealthEvent } from "./health-event.ts";
import type { Probe, ProbeResult } from "./probe.ts";

export interface HealthCheckSessionOptions {
  readonly config: HealthCheckConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  readonly stats: HealthCheckStats;
  /** The cluster was sent traffic at some time: without, hosts are looked at rarely. */
  readonly hasTraffic: () => boolean;
  readonly makeProbe: (onResult: (result: ProbeResult) => void) => Probe;
  /** What is known of the host already. */
  readonly health: ActiveHealth | undefined;
  readonly onEvent: (event: HealthEvent) => void;
  /** After every result; `changed`: the flags are others now; `passed`: the result was good, and the host is fit for traffic. */
  readonly onChecked: (changed: boolean, passed: boolean) => void;
}

interface Failure {
  readonly type: HealthFailureType;
  readonly retriable: boolean;
  readonly excluded: boolean;
}

export type HealthFailureType = "ACTIVE" | "PASSIVE" | "NETWORK" | "NETWORK_TIMEOUT";

const TIMED_OUT: Failure = { type: "NETWORK_TIMEOUT", retriable: false, excluded: false };
const PASSIVE: Failure = { type: "PASSIVE", retriable: false, excluded: true };

export class HealthCheckSession {
  readonly #options: HealthCheckSessionOptions;
  readonly #probe: Probe;
  #health: ActiveHealth;
  #first = true;
  #healthyInRow = 0;
  #unhealthyInRow = 0;
  #interval: Timer | undefined;
  #timeout: Timer | undefined;
  #closed = false;

  constructor(options: HealthCheckSessionOptions) {
    this.#options = options;
    this.#health = options.health ?? PENDING;
    this.#probe = options.makeProbe((result) => this.#onResult(result));
    const { stats } = options;
    if (!this.#health.failed) stats.healthy.inc();
    if (this.#health.degraded) stats.degraded.inc();
  }

  get health(): ActiveHealth {
    return this.#health;
  }

  /** There was a result, good or bad. */
  get checked(): boolean {
    return !this.#first;
  }

  start(): void {
    const { initialJitterMs } = this.#options.config.intervals;
    if (initialJitterMs === 0) this.#check();
    else this.#arm(this.#withJitter(0, initialJitterMs));
  }

  close(): void {
    this.#closed = true;
    this.#interval?.cancel();
    this.#timeout?.cancel();
    this.#probe.abort();
    const { stats } = this.#options;
    if (!this.#health.failed) stats.healthy.dec();
    if (this.#health.degraded) stats.degraded.dec();
  }

  /** Traffic brought the news that the host wants no more of it. */
  failPassively(): void {
    this.#setUnhealthy(PASSIVE);
  }

  #arm(delayMs: number): void {
    this.#interval?.cancel();
    this.#interval = this.#options.clock.setTimer(delayMs, () => this.#check(), true);
  }

  #check(): void {
    const { clock, config, stats } = this.#options;
    this.#interval = undefined;
    this.#probe.start();
    this.#timeout = clock.setTimer(
      config.timeoutMs,
      () => {
        this.#probe.abort();
        this.#onFailure(TIMED_OUT);
      },
      true,
    );
    stats.attempt.inc();
  }

  #onResult(result: ProbeResult): void {
    if (this.#closed) return;
    if (result.kind === "success") this.#onSuccess(result.degraded);
    else this.#onFailure(result);
  }

  #onSuccess(degraded: boolean): void {
    const { config, stats, onEvent } = this.#options;
    const before = this.#health;
    this.#unhealthyInRow = 0;
    let next = { ...before };
    let transition: Transition = "unchanged";
    if (before.failed) {
      // The first result of a host counts at once, so that a start is quick.
      if (this.#first || ++this.#healthyInRow === config.healthyThreshold) {
        next = { ...next, failed: false, timedOut: false, excluded: false };
        stats.healthy.inc();
        transition = "changed";
        onEvent({ kind: "add-healthy", firstCheck: this.#first });
      } else transition = "pending";
    }
    if (transition !== "changed" && config.alwaysLogSuccess) onEvent({ kind: "success" });
    if (before.pending) transition = "changed";
    if (degraded !== before.degraded) {
      if (degraded) stats.degraded.inc();
      else stats.degraded.dec();
      onEvent({ kind: degraded ? "degraded" : "no-longer-degraded" });
      if (transition === "unchanged") transition = "changed";
    }
    stats.success.inc();
    this.#settle({ ...next, pending: false, degraded }, true);
    this.#next(this.#intervalMs(true, transition));
  }

  #onFailure(failure: Failure): void {
    const transition = this.#setUnhealthy(failure);
    this.#next(this.#intervalMs(false, transition));
  }

  #setUnhealthy({ type, retriable, excluded }: Failure): Transition {
    const { config, stats, onEvent } = this.#options;
    const before = this.#health;
    const network = type === "NETWORK" || type === "NETWORK_TIMEOUT";
    const firstCheck = this.#first;
    this.#healthyInRow = 0;
    let failed = before.failed;
    let transition: Transition = "unchanged";
    if (!failed) {
      // An answer that says no counts at once; none at all may be the network's fault.
      if ((!network && !retriable) || ++this.#unhealthyInRow === config.unhealthyThreshold) {
        failed = true;
        stats.healthy.dec();
        transition = "changed";
        onEvent({ kind: "eject-unhealthy", type });
      } else transition = "pending";
    }
    if (before.pending) transition = "changed";
    if (firstCheck || config.alwaysLogFailures) onEvent({ kind: "failure", type, firstCheck });
    stats.failure.inc();
    if (network) stats.networkFailure.inc();
    else if (type === "PASSIVE") stats.passiveFailure.inc();
    const timedOut = type === "NETWORK_TIMEOUT" && failed;
    this.#settle({ ...before, failed, pending: false, timedOut, excluded: before.excluded || excluded }, false);
    return transition;
  }

  #settle(health: ActiveHealth, passed: boolean): void {
    const before = this.#health;
    this.#first = false;
    this.#health = health;
    const changed =
      before.failed !== health.failed ||
      before.pending !== health.pending ||
      before.degraded !== health.degraded ||
      before.timedOut !== health.timedOut ||
      before.excluded !== health.excluded;
    this.#options.onChecked(changed, passed && !health.failed);
  }

  #next(delayMs: number): void {
    // Whoever heard of the result may have ended the session.
    if (this.#closed) return;
    this.#timeout?.cancel();
    this.#timeout = undefined;
    this.#arm(delayMs);
  }

  #intervalMs(healthy: boolean, transition: Transition): number {
    const { intervals } = this.#options.config;
    const pending = transition === "pending";
    let base: number;
    if (!this.#options.hasTraffic()) base = healthy && !pending ? intervals.noTrafficHealthyMs : intervals.noTrafficMs;
    else if (healthy) base = pending ? intervals.healthyEdgeMs : intervals.intervalMs;
    else base = pending ? intervals.unhealthyEdgeMs : intervals.unhealthyMs;
    return this.#withJitter(base, intervals.jitterMs);
  }

  #withJitter(baseMs: number, jitterMs: number): number {
    const { random, config, runtime } = this.#options;
    const share = Math.trunc((config.intervals.jitterPercent * baseMs) / 100);
    let delayMs = baseMs;
    if (share > 0) delayMs += random.integer(share);
    if (jitterMs >= 1) delayMs += random.integer(Math.trunc(jitterMs));
    const most = runtime.integer("health_check.max_interval", Number.POSITIVE_INFINITY);
    return Math.max(1, Math.min(delayMs, most), runtime.integer("health_check.min_interval", 0));
  }
}

/** `pending`: thresholds are not reached yet. */
type Transition = "unchanged" | "pending" | "changed";
