// The tries of one request after the first: whether there is another, when, and what becomes of an answer that may be bettered. What may
// be tried again is the policy's to say (retry-state.ts).
import type { Cluster, Host } from "#proxy/cluster/cluster";
import type { ResponseHeaderMap } from "#proxy/http/header-map";
import type { StreamResetReason } from "#proxy/http/stream";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import { WheelTimer } from "#proxy/http/timer-wheel";
import type { TimerOwner } from "#proxy/http/timer-wheel";
import type { HostSelection } from "./host-selection.ts";
import type { RetryDecision, RetryState } from "./retry-state.ts";
import type { Tries } from "./tries.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

const BACKOFF = 0;

export interface RetriesOwner {
  /** The wait is over. */
  tryAgain(): void;
}

export class Retries implements TimerOwner {
  readonly #owner: RetriesOwner;
  readonly #stream: TerminalStream;
  readonly #state: RetryState;
  readonly #tries: Tries;
  readonly #selection: HostSelection;
  readonly #backoffTimer = new WheelTimer(this, BACKOFF);
  /** Of the try that failed last. */
  #cluster: Cluster | undefined = undefined;
  /** The last try took too long. */
  afterTimeout = false;

  constructor(owner: RetriesOwner, stream: TerminalStream, state: RetryState, tries: Tries, selection: HostSelection) {
    this.#owner = owner;
    this.#stream = stream;
    this.#state = state;
    this.#tries = tries;
    this.#selection = selection;
  }

  /** Another try waits for its time. */
  get pending(): boolean {
    return this.#backoffTimer.pending;
  }

  /** True: the answer is not wanted, because there is another try, or there may be a better one. */
  onHeaders(request: UpstreamRequest, headers: ResponseHeaderMap, cluster: Cluster): boolean {
    const { host } = request;
    let unwanted: boolean;
    if (request.retried) unwanted = this.#state.wouldRetryHeaders(headers);
    else {
      const decision = this.#state.onHeaders(headers, this.#stream.clock.wallMs(), cluster);
      if (decision === "retry") {
        host.stats.rqError++;
        cluster.stats.retryCodes.charge(headers.status);
        this.#tries.drop(request);
        this.#backOff(host, false, cluster);
        return true;
      }
      unwanted = this.#note(decision);
    }
    if (!unwanted || !(this.pending || this.#tries.othersWait(request))) return false;
    host.stats.rqError++;
    this.#tries.drop(request);
    return true;
  }

  /** True: there is another try. */
  onReset(reason: StreamResetReason, request: UpstreamRequest, afterTimeout: boolean, cluster: Cluster): boolean {
    if (request.retried) return false;
    const decision = this.#state.onReset(reason, request.requestSent, cluster);
    if (decision === "retry") {
      request.host.stats.rqError++;
      this.#backOff(request.host, afterTimeout, cluster);
      return true;
    }
    this.#note(decision);
    return false;
  }

  /** The try goes on, and another one beside it. */
  hedge(request: UpstreamRequest, cluster: Cluster): void {
    if (request.retried) return;
    const decision = this.#state.onHedge(cluster);
    if (decision !== "retry") {
      this.#note(decision);
      return;
    }
    request.retried = true;
    this.#backOff(request.host, true, cluster);
  }

  /** There will be no more: one that waits is not made. */
  giveUp(): void {
    if (this.#backoffTimer.pending) this.#stream.timers.cancel(this.#backoffTimer);
    this.#state.release();
  }

  onTimer(): void {
    this.#state.onTry(this.#cluster!);
    this.#owner.tryAgain();
  }

  /** Waits, then tries again; the request body waits too, except for what was kept. */
  #backOff(host: Host, afterTimeout: boolean, cluster: Cluster): void {
    this.afterTimeout = afterTimeout;
    this.#cluster = cluster;
    this.#selection.onHostAttempted(host, this.#state.policy);
    this.#stream.timers.set(this.#backoffTimer, this.#state.nextBackoffMs());
  }

  /** Whether there would have been another try, had it been allowed. */
  #note(decision: RetryDecision): boolean {
    if (decision === "overflow") this.#stream.info.flags.add("UO");
    else if (decision === "limit-exceeded") this.#stream.info.flags.add("URX");
    else return false;
    return true;
  }
}
