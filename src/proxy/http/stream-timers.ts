// How long a stream may take: between two signs of life, for its request, and in all.
import type { Clock } from "#runtime/clock";
import type { LocalReply } from "./filter.ts";
import type { HcmStats } from "./hcm-stats.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner, TimerWheel } from "./timer-wheel.ts";

export type StreamTimeout = "idle" | "request" | "max duration";

const KINDS: readonly (StreamTimeout | "access log")[] = ["idle", "request", "max duration", "access log"];
const IDLE = 0;
const REQUEST = 1;
const MAX_DURATION = 2;
const ACCESS_LOG = 3;

export interface TimedStream {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  onTimeout(timeout: StreamTimeout): void;
  /** It is time for a line of a stream that lasts. */
  onAccessLogTime(): void;
}

export class StreamTimers implements TimerOwner {
  readonly #stream: TimedStream;
  readonly #startMs: number;
  #idleMs: number;
  readonly #idle = new WheelTimer(this, IDLE);
  #request: WheelTimer | undefined = undefined;
  #maxDuration: WheelTimer | undefined = undefined;
  #accessLog: WheelTimer | undefined = undefined;

  /** 0: no limit, for all times here. */
  constructor(stream: TimedStream, idleMs: number, startMs: number) {
    this.#stream = stream;
    this.#idleMs = idleMs;
    this.#startMs = startMs;
  }

  /** Something moved: the idle time starts anew. */
  touch(): void {
    if (this.#idleMs > 0) this.#stream.timers.set(this.#idle, this.#idleMs);
  }

  setIdle(idleMs: number): void {
    if (idleMs === this.#idleMs) return;
    this.#idleMs = idleMs;
    this.#stream.timers.cancel(this.#idle);
    this.touch();
  }

  limitRequest(maxMs: number): void {
    if (maxMs === 0) return;
    this.#request ??= new WheelTimer(this, REQUEST);
    this.#stream.timers.set(this.#request, maxMs);
  }

  requestComplete(): void {
    if (this.#request !== undefined) this.#stream.timers.cancel(this.#request);
  }

  /** Of the stream as a whole, from its start. */
  limitDuration(maxMs: number): void {
    const { timers, clock } = this.#stream;
    if (maxMs === 0) {
      if (this.#maxDuration !== undefined) timers.cancel(this.#maxDuration);
      return;
    }
    this.#maxDuration ??= new WheelTimer(this, MAX_DURATION);
    timers.set(this.#maxDuration, maxMs - (clock.monotonicMs() - this.#startMs));
  }

  logIn(delayMs: number): void {
    this.#accessLog ??= new WheelTimer(this, ACCESS_LOG);
    this.#stream.timers.set(this.#accessLog, delayMs);
  }

  stop(): void {
    const { timers } = this.#stream;
    timers.cancel(this.#idle);
    if (this.#request !== undefined) timers.cancel(this.#request);
    if (this.#maxDuration !== undefined) timers.cancel(this.#maxDuration);
    if (this.#accessLog !== undefined) timers.cancel(this.#accessLog);
  }

  onTimer(kind: number): void {
    const what = KINDS[kind]!;
    if (what === "access log") this.#stream.onAccessLogTime();
    else this.#stream.onTimeout(what);
  }
}

/** Counts it, too. `complete`: the request had come in full. */
export function timeoutReply(timeout: StreamTimeout, complete: boolean, stats: HcmStats): LocalReply {
  switch (timeout) {
    case "idle":
      stats.rqIdleTimeout.inc();
      return complete ? LOCAL_REPLIES.streamIdleTimeout : LOCAL_REPLIES.streamIdleTimeoutInRequest;
    case "request":
      stats.rqTimeout.inc();
      return LOCAL_REPLIES.requestTimeout;
    case "max duration":
      stats.rqMaxDuration.inc();
      return complete ? LOCAL_REPLIES.maxDuration : LOCAL_REPLIES.maxDurationInRequest;
  }
}
