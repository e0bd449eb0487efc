// Decides whether an application is ready, as Kubernetes' readiness probes do: thresholds over a series of checks. How a check is made
// comes from outside (probe-check.ts), so that time and outcome can be driven by tests.
import type { Clock, Timer } from "#runtime/clock";
import type { ProbeSpec } from "./workload-spec.ts";

/** undefined: the check passed; else why it did not. */
export type CheckOutcome = string | undefined;
export type Check = (signal: AbortSignal) => Promise<CheckOutcome>;

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

export interface ProberOptions {
  readonly spec: Omit<ProbeSpec, "action">;
  readonly check: Check;
  readonly clock: Clock;
  readonly onChange: (readiness: Readiness) => void;
  /** Until the first success checks come this often instead: a program is used as soon as it listens. */
  readonly startPeriodMs?: number;
  /** Stop after the first success: for workloads that declare no probe. */
  readonly once?: boolean;
}

export class Prober {
  #options: ProberOptions;
  #timer: Timer | undefined;
  #abort: AbortController | undefined;
  #stopped = false;
  #ready: boolean | undefined;
  #successes = 0;
  #failures = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(this.#options.spec.initialDelaySeconds * 1000);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#abort?.abort();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.setTimer(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { spec, check, clock } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    const timeout = clock.setTimer(spec.timeoutSeconds * 1000, () => abort.abort());
    let outcome: CheckOutcome;
    try {
      outcome = await check(abort.signal);
    } catch (error) {
      outcome = error instanceof Error ? error.message : String(error);
    }
    timeout.cancel();
    if (this.#stopped) return;
    // A check that ignores its signal and passes late still failed.
    if (abort.signal.aborted) outcome = `no answer within ${spec.timeoutSeconds} s`;
    this.#count(outcome);
    if (this.#options.once === true && this.#ready === true) return;
    const startPeriodMs = this.#options.startPeriodMs ?? spec.periodSeconds * 1000;
    this.#schedule(
      this.#ready === true || this.#ready === false ? spec.periodSeconds * 1000 : Math.min(startPeriodMs, spec.periodSeconds * 1000),
    );
  }

  #count(outcome: CheckOutcome): void {
    const { spec, onChange } = this.#options;
    if (outcome === undefined) {
      this.#failures = 0;
      this.#successes++;
      if (this.#ready !== true && this.#successes >= spec.successThreshold) {
        this.#ready = true;
        onChange({ ready: true });
      }
      return;
    }
    this.#successes = 0;
    this.#failures++;
    // Before its first success a workload is not in the endpoints at all: only a ready one can become unready.
    if (this.#ready === true && this.#failures >= spec.failureThreshold) {
      this.#ready = false;
      onChange({ ready: false, reason: outcome });
    }
  }
}
