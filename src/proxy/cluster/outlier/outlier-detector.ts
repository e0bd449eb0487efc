// Ejects the hosts of one cluster that fail more than they should, and takes them back after a time that grows with each ejection.
// The decisions are Envoy's (outlier_detection_impl.cc). Each traffic thread watches its own requests and ejects for itself.
import type { Clock, Timer } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { StatsScope } from "#telemetry/stats/store";
import type { UpstreamHost } from "#proxy/cluster/upstream-host";
import { HostMonitor } from "./host-monitor.ts";
import type { EjectionType, OutlierConfig } from "./outlier-config.ts";
import type { OutlierEvent } from "./outlier-event.ts";
import { OutlierStats } from "./outlier-stats.ts";
import type { SuccessRate } from "./success-rate.ts";

export interface OutlierDetectorContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the cluster. */
  readonly stats: StatsScope;
  /** A host was ejected or taken back. */
  readonly onChange: () => void;
  /** Also of ejections that are not enforced. Undefined: nobody keeps them. */
  readonly onEvent?: ((event: OutlierEvent) => void) | undefined;
}

/** What an ejection goes by. */
type Cause = Pick<OutlierEvent, "successRate" | "average" | "threshold">;

interface Origin {
  readonly rateOf: (monitor: HostMonitor) => SuccessRate;
  readonly successRate: EjectionType;
  readonly failurePercentage: EjectionType;
}

/** In per cent; -1: too few requests to tell. */
export interface SuccessRates {
  readonly average: number;
  readonly threshold: number;
}

export interface OutlierSummary {
  readonly external: SuccessRates;
  readonly localOrigin: SuccessRates;
}

const UNKNOWN: SuccessRates = { average: -1, threshold: -1 };

const EXTERNAL: Origin = {
  rateOf: (monitor) => monitor.externalRate,
  successRate: "success_rate",
  failurePercentage: "failure_percentage",
};
const LOCAL: Origin = {
  rateOf: (monitor) => monitor.localRate,
  successRate: "local_origin_success_rate",
  failurePercentage: "local_origin_failure_percentage",
};

export class OutlierDetector {
  #config: OutlierConfig;
  readonly #context: OutlierDetectorContext;
  readonly #stats: OutlierStats;
  readonly #shown = new Map<Origin, SuccessRates>();
  #monitors = new Map<UpstreamHost, HostMonitor>();
  #ejected = 0;
  #timer: Timer | undefined;
  readonly #onErrors = (monitor: HostMonitor, type: EjectionType): void => this.#onConsecutiveErrors(monitor, type);

  constructor(config: OutlierConfig, context: OutlierDetectorContext) {
    this.#config = config;
    this.#context = context;
    this.#stats = new OutlierStats(context.stats);
    this.#arm();
  }

  get config(): OutlierConfig {
    return this.#config;
  }

  /** Other numbers for the same hosts: what is known of them stays. */
  configure(config: OutlierConfig): void {
    this.#config = config;
  }

  /** These are the cluster's hosts now. Those that stay keep what is known of them, ejections too. */
  setHosts(hosts: Iterable<UpstreamHost>): void {
    const before = this.#monitors;
    this.#monitors = new Map();
    for (const host of hosts) {
      const monitor = before.get(host) ?? new HostMonitor(host, this, this.#onErrors);
      before.delete(host);
      this.#monitors.set(host, monitor);
      host.outlierMonitor = monitor;
    }
    for (const host of before.keys()) this.#forget(host);
  }

  /** Success rates of the last interval over all hosts. */
  get summary(): OutlierSummary {
    return { external: this.#shown.get(EXTERNAL) ?? UNKNOWN, localOrigin: this.#shown.get(LOCAL) ?? UNKNOWN };
  }

  /** The host passed an active health check. */
  onHealthCheckPassed(host: UpstreamHost): void {
    const monitor = this.#monitors.get(host);
    if (monitor === undefined || !host.ejected || !this.config.healthCheckTakesBack) return;
    this.#release(monitor);
    this.#context.onChange();
  }

  /** The cluster goes, or is watched otherwise from now on. */
  close(): void {
    this.#timer?.cancel();
    for (const host of this.#monitors.keys()) this.#forget(host);
    this.#monitors.clear();
  }

  #forget(host: UpstreamHost): void {
    host.outlierMonitor = undefined;
    if (!host.ejected) return;
    host.ejected = false;
    this.#ejected--;
    this.#stats.active.dec();
  }

  #arm(): void {
    this.#timer = this.#context.clock.setTimer(this.config.intervalMs, () => this.#onInterval(), true);
  }

  #onConsecutiveErrors(monitor: HostMonitor, type: EjectionType): void {
    // Requests that began before the ejection may still fail; a host that has left the cluster may, too.
    if (monitor.host.ejected || this.#monitors.get(monitor.host) !== monitor) return;
    this.#stats.detected.get(type)!.inc();
    if (type === "consecutive_5xx") this.#stats.consecutive5xx.inc();
    const changed = this.#eject(monitor, type);
    // Also where nothing was ejected: the next errors in a row are a new case.
    monitor.reset(type);
    if (changed) this.#context.onChange();
  }

  #eject(monitor: HostMonitor, type: EjectionType, cause: Cause = {}): boolean {
    const { maxEjectionPercent, alwaysEjectOneHost, enforcing, baseEjectionTimeMs, maxEjectionTimeMs, maxEjectionTimeJitterMs } =
      this.config;
    const { clock, random } = this.#context;
    const stats = this.#stats;
    const allowed = (100 * (this.#ejected + 1)) / this.#monitors.size <= maxEjectionPercent;
    if (!allowed && !(alwaysEjectOneHost && this.#ejected === 0)) {
      stats.overflow.inc();
      return false;
    }
    if (type === "consecutive_5xx" || type === "success_rate") stats.total.inc();
    if (random.integer(100) >= enforcing[type]) {
      this.#tell(monitor, { action: "eject", type, enforced: false, ...cause }, monitor.unejectedMs);
      return false;
    }
    this.#ejected++;
    stats.active.inc();
    stats.enforcedTotal.inc();
    stats.enforced.get(type)!.inc();
    monitor.host.ejected = true;
    monitor.ejectedMs = clock.monotonicMs();
    monitor.jitterMs = random.integer(Math.trunc(maxEjectionTimeJitterMs) + 1);
    if (monitor.backoff * baseEjectionTimeMs < maxEjectionTimeMs + baseEjectionTimeMs) monitor.backoff++;
    monitor.ejections++;
    this.#tell(monitor, { action: "eject", type, enforced: true, ...cause }, monitor.unejectedMs);
    return true;
  }

  #tell(
    { host, ejections }: HostMonitor,
    event: Omit<OutlierEvent, "host" | "ejections" | "sinceLastActionMs">,
    lastActionMs: number | undefined,
  ): void {
    const { onEvent, clock } = this.#context;
    const sinceLastActionMs = lastActionMs === undefined ? undefined : clock.monotonicMs() - lastActionMs;
    onEvent?.({ ...event, host: host.address, ejections, sinceLastActionMs });
  }

  #onInterval(): void {
    const now = this.#context.clock.monotonicMs();
    const { intervalMs } = this.config;
    let changed = false;
    for (const monitor of this.#monitors.values()) {
      if (this.#takeBack(monitor, now)) changed = true;
      monitor.externalRate.turn();
      monitor.localRate.turn();
    }
    for (const origin of [EXTERNAL, LOCAL]) if (this.#judgeRates(origin)) changed = true;
    for (const monitor of this.#monitors.values()) {
      const { host, unejectedMs } = monitor;
      if (!host.ejected && unejectedMs !== undefined && now - unejectedMs >= intervalMs && monitor.backoff > 0) monitor.backoff--;
    }
    if (changed) this.#context.onChange();
    this.#arm();
  }

  #takeBack(monitor: HostMonitor, now: number): boolean {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.config;
    if (!monitor.host.ejected) return false;
    const lasts = Math.min(baseEjectionTimeMs * monitor.backoff, maxEjectionTimeMs) + monitor.jitterMs;
    if (now - monitor.ejectedMs < lasts) return false;
    this.#release(monitor);
    return true;
  }

  #release(monitor: HostMonitor): void {
    monitor.host.ejected = false;
    monitor.unejectedMs = this.#context.clock.monotonicMs();
    monitor.reset();
    this.#ejected--;
    this.#stats.active.dec();
    this.#tell(monitor, { action: "uneject" }, monitor.ejectedMs);
  }

  #judgeRates(origin: Origin): boolean {
    const { rateOf, successRate, failurePercentage } = origin;
    const { config } = this;
    // As Envoy: of an interval with too few requests to tell nothing is shown.
    this.#shown.delete(origin);
    const count = this.#monitors.size;
    if (count < config.successRateMinimumHosts && count < config.failurePercentageMinimumHosts) return false;
    const leastVolume = Math.min(config.successRateRequestVolume, config.failurePercentageRequestVolume);
    const judged = [...this.#monitors.values()].filter((monitor) => !monitor.host.ejected && rateOf(monitor).volume > 0);
    for (const monitor of judged) {
      const rate = rateOf(monitor);
      if (rate.volume >= leastVolume) rate.shown = rate.percent;
    }
    let changed = false;
    const eject = (monitor: HostMonitor, type: EjectionType, cause: Cause): void => {
      this.#stats.detected.get(type)!.inc();
      // One host may be found out twice in one interval; it is ejected once.
      if (!monitor.host.ejected && this.#eject(monitor, type, { ...cause, successRate: rateOf(monitor).percent })) changed = true;
    };
    const byRate = judged.filter((monitor) => rateOf(monitor).volume >= config.successRateRequestVolume);
    if (byRate.length > 0 && byRate.length >= config.successRateMinimumHosts) {
      const { average, threshold } = ejectionThreshold(
        byRate.map((monitor) => rateOf(monitor).percent),
        config.successRateStdevs,
      );
      this.#shown.set(origin, { average, threshold });
      for (const monitor of byRate) {
        if (rateOf(monitor).percent >= threshold) continue;
        this.#stats.successRate.inc();
        eject(monitor, successRate, { average, threshold });
      }
    }
    const byFailures = judged.filter((monitor) => rateOf(monitor).volume >= config.failurePercentageRequestVolume);
    if (byFailures.length > 0 && byFailures.length >= config.failurePercentageMinimumHosts) {
      for (const monitor of byFailures) {
        if (100 - rateOf(monitor).percent >= config.failurePercentageThreshold) eject(monitor, failurePercentage, {});
      }
    }
    return changed;
  }
}

function ejectionThreshold(rates: readonly number[], stdevs: number): { readonly average: number; readonly threshold: number } {
  const average = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - average) ** 2, 0) / rates.length;
  return { average, threshold: average - stdevs * Math.sqrt(variance) };
}
