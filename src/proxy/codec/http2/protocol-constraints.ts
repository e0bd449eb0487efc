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

interface FrameCount {
  frames: number;
  /** Of them PING, SETTINGS and RST_STREAM. */
  control: number;
}

const NONE: FrameCount = { frames: 0, control: 0 };

function move(from: FrameCount, to: FrameCount, add: boolean): void {
  to.frames = from.frames + (add ? to.frames : 0);
  to.control = from.control + (add ? to.control : 0);
  from.frames = 0;
  from.control = 0;
}

export class ProtocolConstraints {
  readonly #options: Http2SessionOptions;
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #streams = 0;
  #dataFramesSent = 0;
  // Frames on their way out: gathered for the next write, and two generations of written ones. When the transport holds no more than the
  // newer generation is long, the older one has left. So a connection that always has something waiting is not taken for a flood.
  readonly #gathered: FrameCount = { frames: 0, control: 0 };
  readonly #newer: FrameCount = { frames: 0, control: 0 };
  readonly #older: FrameCount = { frames: 0, control: 0 };
  #newerBytes = 0;

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
    this.#gathered.frames++;
  }

  headersSent(): void {
    this.#gathered.frames++;
  }

  /** PING, SETTINGS and RST_STREAM: what a peer can make us send for next to nothing. */
  controlSent(): void {
    this.#gathered.frames++;
    this.#gathered.control++;
  }

  get gatheredFrames(): number {
    return this.#gathered.frames;
  }

  /** Too many frames wait in our output. */
  outboundFlood(): FloodError | undefined {
    const control = this.#gathered.control + this.#newer.control + this.#older.control;
    if (control > this.#options.maxOutboundControlFrames) return FLOODS.outboundControl;
    const frames = this.#gathered.frames + this.#newer.frames + this.#older.frames;
    return frames > this.#options.maxOutboundFrames ? FLOODS.outbound : undefined;
  }

  /** What is gathered is being written; `pendingBytes` of earlier writes are still with the transport. */
  written(bytes: number, pendingBytes: number): void {
    if (pendingBytes === 0) this.transportDrained();
    else if (pendingBytes <= this.#newerBytes) {
      move(this.#newer, this.#older, false);
      this.#newerBytes = 0;
    }
    move(this.#gathered, this.#newer, true);
    this.#newerBytes += bytes;
  }

  /** The transport has passed everything on. */
  transportDrained(): void {
    move(NONE, this.#older, false);
    move(NONE, this.#newer, false);
    this.#newerBytes = 0;
  }
}
