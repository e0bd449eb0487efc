// Envoy's limits on frames that cost the sender nothing (its ProtocolConstraints), with its formulas. What is counted inbound is counted
// over the life of the connection; what is outbound until the transport has taken it.
import type { Http2Error } from "./error-code.ts";
import { floodError } from "./error-code.ts";
import { Flag, FrameType } from "./frame.ts";
import type { Http2Counter } from "./http2-stats.ts";
import type { Http2SessionOptions } from "./session-options.ts";

export interface FloodError {
  readonly error: Http2Error;
  readonly counter: Http2Counter;
}

const flood = (counter: Http2Counter, message: string): FloodError =>
  Object.freeze({ error: floodError(`http2.${counter}`, message), counter });

const FLOODS = {
  empty: flood("inbound_empty_frames_flood", "too many frames without payload"),
  priority: flood("inbound_priority_frames_flood", "too many PRIORITY frames"),
  windowUpdate: flood("inbound_window_update_frames_flood", "too many WINDOW_UPDATE frames"),
  outbound: flood("outbound_flood", "too many frames wait to be sent"),
  outboundControl: flood("outbound_control_flood", "too many control frames wait to be sent"),
} as const;

export class ProtocolConstraints {
  readonly #options: Http2SessionOptions;
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #streams = 0;
  #dataFramesSent = 0;
  #outbound = 0;
  #outboundControl = 0;

  constructor(options: Http2SessionOptions) {
    this.#options = options;
  }

  /** A frame's header has come; `content` is its payload without padding. */
  trackInbound(type: number, flags: number, content: number): FloodError | undefined {
    switch (type) {
      case FrameType.DATA:
      case FrameType.HEADERS:
      case FrameType.CONTINUATION:
        if (type !== FrameType.DATA && (flags & Flag.END_HEADERS) !== 0) this.#streams++;
        if (content > 0 || (type !== FrameType.CONTINUATION && (flags & Flag.END_STREAM) !== 0)) this.#emptyFrames = 0;
        else if (++this.#emptyFrames > this.#options.maxConsecutiveInboundFramesWithEmptyPayload) return FLOODS.empty;
        return undefined;
      case FrameType.PRIORITY:
        return ++this.#priorityFrames > this.#options.maxInboundPriorityFramesPerStream * (1 + this.#streams) ? FLOODS.priority : undefined;
      case FrameType.WINDOW_UPDATE: {
        const perData = this.#options.maxInboundWindowUpdateFramesPerDataFrameSent;
        return ++this.#windowUpdates > 5 + 2 * (this.#streams + perData * this.#dataFramesSent) ? FLOODS.windowUpdate : undefined;
      }
      default:
        return undefined;
    }
  }

  dataSent(): void {
    this.#dataFramesSent++;
    this.#outbound++;
  }

  headersSent(): void {
    this.#outbound++;
  }

  /** PING, SETTINGS and RST_STREAM: what a peer can make us send for next to nothing. */
  controlSent(): void {
    this.#outbound++;
    this.#outboundControl++;
  }

  /** Too many frames wait in our output. */
  outboundFlood(): FloodError | undefined {
    if (this.#outboundControl > this.#options.maxOutboundControlFrames) return FLOODS.outboundControl;
    return this.#outbound > this.#options.maxOutboundFrames ? FLOODS.outbound : undefined;
  }

  /** The transport has taken everything. */
  outputDrained(): void {
    this.#outbound = 0;
    this.#outboundControl = 0;
  }
}
