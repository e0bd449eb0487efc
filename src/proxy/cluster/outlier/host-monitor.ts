// What outlier detection knows of one host on this thread: errors in a row, success rates, ejections.
import type { OutlierMonitor, OutlierResult } from "#proxy/cluster/cluster";
import type { UpstreamHost } from "#proxy/cluster/upstream-host";
import type { EjectionType, OutlierConfig } from "./outlier-config.ts";
import { SuccessRate } from "./success-rate.ts";

/** The status that stands for a result when origins of errors are not told apart. A connection alone says nothing of the request on it. */
const STATUS_OF: Readonly<Record<OutlierResult, number | undefined>> = {
  "connect-success": undefined,
  "connect-success-final": 200,
  "connect-failed": 503,
  timeout: 504,
};

export class HostMonitor implements OutlierMonitor {
  readonly host: UpstreamHost;
  readonly #detector: { readonly config: OutlierConfig };
  readonly #onErrors: (monitor: HostMonitor, type: EjectionType) => void;
  #consecutive5xx = 0;
  #consecutiveGateway = 0;
  #consecutiveLocal = 0;
  readonly externalRate = new SuccessRate();
  readonly localRate = new SuccessRate();
  ejectedMs = 0;
  jitterMs = 0;
  /** How many times the base time the next ejection lasts; it falls while the host behaves. */
  backoff = 0;
  unejectedMs: number | undefined;
  /** All there ever were. */
  ejections = 0;

  constructor(
    host: UpstreamHost,
    detector: { readonly config: OutlierConfig },
    onErrors: (monitor: HostMonitor, type: EjectionType) => void,
  ) {
    this.host = host;
    this.#detector = detector;
    this.#onErrors = onErrors;
  }

  get successRate(): number {
    return this.externalRate.shown;
  }

  get localOriginSuccessRate(): number {
    return this.localRate.shown;
  }

  putStatus(status: number): void {
    const failed = status >= 500 && status < 600;
    this.externalRate.count(!failed);
    if (!failed) {
      this.#consecutive5xx = 0;
      this.#consecutiveGateway = 0;
      return;
    }
    if (status < 502 || status > 504) this.#consecutiveGateway = 0;
    else if (++this.#consecutiveGateway === this.#detector.config.consecutiveGatewayFailure)
      this.#onErrors(this, "consecutive_gateway_failure");
    if (++this.#consecutive5xx === this.#detector.config.consecutive5xx) this.#onErrors(this, "consecutive_5xx");
  }

  putResult(result: OutlierResult): void {
    if (!this.#detector.config.splitExternalLocalOriginErrors) {
      const status = STATUS_OF[result];
      if (status !== undefined) this.putStatus(status);
      return;
    }
    const failed = result === "connect-failed" || result === "timeout";
    this.localRate.count(!failed);
    if (!failed) this.#consecutiveLocal = 0;
    else if (++this.#consecutiveLocal === this.#detector.config.consecutiveLocalOriginFailure)
      this.#onErrors(this, "consecutive_local_origin_failure");
  }

  /** Errors in a row are counted anew, for one kind or for all: few new errors must not eject a host that has just come back. */
  reset(type?: EjectionType): void {
    if (type === undefined || type === "consecutive_5xx") this.#consecutive5xx = 0;
    if (type === undefined || type === "consecutive_gateway_failure") this.#consecutiveGateway = 0;
    if (type === undefined || type === "consecutive_local_origin_failure") this.#consecutiveLocal = 0;
  }
}
