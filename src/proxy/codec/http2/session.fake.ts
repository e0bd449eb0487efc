// A session without a transport: what it writes is gathered, what happens is noted, and frames can be put in by hand.
import type { Http2Error } from "./error-code.ts";
import { HTTP2_COUNTERS, HTTP2_GAUGES } from "./http2-stats.ts";
import type { Http2Stats } from "./http2-stats.ts";
import type { MessageHead } from "./message-head.ts";
import { DEFAULT_HTTP2_OPTIONS } from "./session-options.ts";
import type { Http2SessionOptions } from "./session-options.ts";
import { Http2Session } from "./session.ts";
import type { Http2Output, Http2SessionHandler } from "./session-handler.ts";
import type { Http2Stream, Http2StreamHandler } from "./stream.ts";

interface CountedStats extends Http2Stats {
  readonly values: Record<string, number>;
}

function countedStats(): CountedStats {
  const values: Record<string, number> = {};
  const metrics: Record<string, unknown> = { values };
  for (const name of HTTP2_COUNTERS) metrics[name] = { inc: () => void (values[name] = (values[name] ?? 0) + 1) };
  for (const name of HTTP2_GAUGES) metrics[name] = { add: (change: number) => void (values[name] = (values[name] ?? 0) + change) };
  return metrics as unknown as CountedStats;
}

/** What came on one stream. */
export class StreamNotes implements Http2StreamHandler {
  readonly heads: MessageHead[] = [];
  trailers: MessageHead | undefined;
  body = "";
  ended = false;
  reset: { code: number; source: string; details: string } | undefined;
  drains = 0;
  stream: Http2Stream | undefined;
  onEnd: ((notes: StreamNotes) => void) | undefined;

  onHeaders(head: MessageHead, endStream: boolean): void {
    this.heads.push(head);
    this.#end(endStream);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.body += chunk.toString("latin1");
    this.#end(endStream);
  }

  onTrailers(trailers: MessageHead): void {
    this.trailers = trailers;
    this.#end(true);
  }

  onReset(code: number, source: string, details: string): void {
    this.reset = { code, source, details };
  }

  onDrain(): void {
    this.drains++;
  }

  #end(endStream: boolean): void {
    if (!endStream) return;
    this.ended = true;
    this.onEnd?.(this);
  }
}

export class FakePeer implements Http2Output, Http2SessionHandler {
  readonly session: Http2Session;
  readonly stats = countedStats();
  readonly streams: StreamNotes[] = [];
  readonly ended: number[] = [];
  readonly pings: number[] = [];
  readonly goaways: { lastStreamId: number; code: number }[] = [];
  error: Http2Error | undefined;
  settings = 0;
  nowMs = 0;
  /** What `write` answers. */
  room = true;
  /** False: what is written stays with the transport. */
  taking = true;
  pendingBytes = 0;
  written: Uint8Array[] = [];
  /** Called with each finished request. */
  onRequest: ((notes: StreamNotes) => void) | undefined;

  constructor(role: "server" | "client", options: Partial<Http2SessionOptions> = {}) {
    this.session = new Http2Session(
      { ...DEFAULT_HTTP2_OPTIONS, role, streamBufferBytes: 65_536, nowMs: () => this.nowMs, ...options },
      this,
      this,
      this.stats,
    );
  }

  write(pieces: readonly Uint8Array[]): boolean {
    this.written.push(...pieces);
    if (!this.taking) for (const piece of pieces) this.pendingBytes += piece.length;
    return this.room;
  }

  onWritable(): void {}

  onStream(stream: Http2Stream): Http2StreamHandler {
    const notes = new StreamNotes();
    notes.stream = stream;
    notes.onEnd = this.onRequest;
    this.streams.push(notes);
    return notes;
  }

  onStreamEnd(stream: Http2Stream): void {
    this.ended.push(stream.id);
  }

  onSettings(): void {
    this.settings++;
  }

  onPingAck(payload: number): void {
    this.pings.push(payload);
  }

  onGoaway(lastStreamId: number, code: number): void {
    this.goaways.push({ lastStreamId, code });
  }

  onSessionError(error: Http2Error): void {
    this.error = error;
  }

  /** A request of a client. */
  request(path: string, endStream = true, fields: readonly string[] = [], method = "GET"): StreamNotes {
    const notes = new StreamNotes();
    notes.stream = this.session.newStream(notes);
    notes.stream.sendRequest({ method, scheme: "http", authority: "a.example", path }, fields, endStream);
    return notes;
  }

  /** Everything it has sent since the last call. */
  take(): Buffer {
    this.session.flush();
    const bytes = Buffer.concat(this.written);
    this.written = [];
    return bytes;
  }
}

/** Carries bytes both ways until nobody says anything; `pieceBytes` at a time. The chunks are overwritten after each call. */
export function exchange(a: FakePeer, b: FakePeer, pieceBytes = Infinity): void {
  for (let moved = true; moved;) {
    moved = false;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const bytes = from.take();
      if (bytes.length > 0) moved = true;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const chunk = Buffer.from(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes)));
        to.session.receive(chunk);
        chunk.fill(0x58);
      }
    }
  }
}
