// A downstream HTTP/2 connection: joins the transport, the session and the owner (the connection manager). Timers are the owner's, but for
// pings and for responses that do not leave.
import type { Http2Error } from "#proxy/codec/http2/error-code";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { Http2Session } from "#proxy/codec/http2/session";
import type { Http2SessionHandler } from "#proxy/codec/http2/session-handler";
import type { Http2SessionOptions } from "#proxy/codec/http2/session-options";
import type { Http2Stream, Http2StreamHandler } from "#proxy/codec/http2/stream";
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { Http2CodecStats } from "./http2-codec-stats.ts";
import { Http2Pings } from "./http2-keepalive.ts";
import type { PingedConnection } from "./http2-keepalive.ts";
import type { Http2Keepalive } from "./http2-options.ts";
import { Http2ConnectionOutput } from "./http2-output.ts";
import { Http2ServerStream } from "./http2-server-stream.ts";
import type { ServerCodec, ServerCodecOwner } from "./server-codec.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerOwner, TimerWheel } from "./timer-wheel.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

export interface Http2ServerOptions {
  readonly session: Http2SessionOptions;
  /** As for HTTP/1. */
  readonly proxy100Continue: boolean;
  readonly keepalive: Http2Keepalive | undefined;
  /** How long a header block may take from its first byte to its last; 0: as long as it likes. */
  readonly headersTimeoutMs: number;
  /** How long a complete response may wait for the client to take more of it; 0: as long as it likes. */
  readonly flushTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: TimerWheel;
  readonly stats: Http2CodecStats;
}

export interface Http2ServerOwner extends ServerCodecOwner {
  /** The client broke the protocol or a limit: its streams are reset, the connection closes. */
  onProtocolError(error: Http2Error): void;
  /** A header block that is malformed or too large: no stream came of it. */
  onUnfitHead(details: string): void;
  /** The client left within the header block of a request. */
  onHeadAbandoned(): void;
  /** A header block took too long: the connection closes. */
  onSlowHead(): void;
}

export class Http2ServerConnection implements ServerCodec, ConnectionHandler, Http2SessionHandler, PingedConnection, TimerOwner {
  readonly connection: Connection;
  readonly options: Http2ServerOptions;
  readonly owner: Http2ServerOwner;
  readonly #session: Http2Session;
  readonly #pings: Http2Pings | undefined;
  readonly #headTimer = new WheelTimer(this, 0);
  #openHead = 0;
  #draining = false;
  #closed = false;
  #closedByUs = false;
  #leftByClient = false;
  #lost = false;
  /** Envoy's words for why we closed with streams open. */
  #localReason: string | undefined;

  constructor(connection: Connection, options: Http2ServerOptions, owner: Http2ServerOwner) {
    this.connection = connection;
    this.options = options;
    this.owner = owner;
    const { clock, random, keepalive, stats } = options;
    const output = new Http2ConnectionOutput(connection);
    this.#session = new Http2Session(options.session, output, this, stats);
    output.session = this.#session;
    this.#pings = keepalive === undefined ? undefined : new Http2Pings(keepalive, this, clock, random);
    connection.handler = this;
  }

  get closedByUs(): boolean {
    return this.#closedByUs;
  }

  get leftByClient(): boolean {
    return this.#leftByClient;
  }

  /** The client is gone, and with it what it had open. */
  get lost(): boolean {
    return this.#lost;
  }

  announceDrain(): void {
    this.#session.announceShutdown();
  }

  drain(): void {
    if (this.#closed) return;
    this.#draining = true;
    this.#session.goaway(ErrorCode.NO_ERROR);
    if (this.#session.streamCount === 0) this.#close("flush");
  }

  /** Nothing else can be read before the block is complete, for the blocks behind it depend on it: it costs the connection. */
  refuseSlowHead(): void {
    if (this.#closed) return;
    this.#session.goaway(ErrorCode.ENHANCE_YOUR_CALM);
    this.owner.onSlowHead();
    this.#close("flush");
  }

  onTimer(): void {
    this.refuseSlowHead();
  }

  // ---- Transport events

  onData(chunk: Buffer): void {
    if (this.#closed) return;
    this.#pings?.onRead();
    enterBatch();
    try {
      this.#session.receive(chunk);
      if (this.options.headersTimeoutMs > 0) this.#watchHead();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  #watchHead(): void {
    const open = this.#session.openBlock;
    if (open === this.#openHead) return;
    this.#openHead = open;
    const { timers, headersTimeoutMs } = this.options;
    if (open === 0) timers.cancel(this.#headTimer);
    else if (!this.#closed) timers.set(this.#headTimer, headersTimeoutMs);
  }

  /** As for HTTP/1: a client that ends is gone. */
  onEnd(): void {
    if (this.#closed) return;
    this.#loseClient();
    this.#close("flush");
    this.#closedByUs = false;
  }

  onDrain(): void {
    if (this.#closed) return;
    this.#guard(() => this.#session.onDrain());
  }

  onClose(failure: TransportFailure | undefined): void {
    this.#closed = true;
    this.#stopClocks();
    this.#loseClient();
    this.owner.onClosed(failure);
  }

  #loseClient(): void {
    const inHead = !this.#closedByUs && this.#session.inRequestHead;
    if (this.#session.streamCount > 0 || inHead) this.#leftByClient = true;
    this.#lost = true;
    if (inHead) this.owner.onHeadAbandoned();
    const reason = this.#localReason;
    const details = reason === undefined ? "downstream_remote_disconnect" : `downstream_local_disconnect(${reason})`;
    this.#guard(() => this.#session.terminate(ErrorCode.NO_ERROR, details));
  }

  // ---- Session events

  onStream(stream: Http2Stream): Http2StreamHandler {
    return new Http2ServerStream(this, stream);
  }

  onStreamEnd(stream: Http2Stream): void {
    if (stream.handler instanceof Http2ServerStream) stream.handler.onEnd();
    if (this.#closed || this.#session.closed || this.#session.streamCount > 0) return;
    if (this.#draining) this.#close("flush");
    else this.owner.onIdle();
  }

  onSettings(): void {}

  onPingAck(payload: number): void {
    this.#pings?.onPingAck(payload);
  }

  /** The client opens no more streams; it closes when it has its answers. */
  onGoaway(): void {}

  onSessionError(error: Http2Error): void {
    this.owner.onProtocolError(error);
    this.#close("flush");
  }

  // ---- Pings

  ping(payload: number): void {
    this.#session.ping(payload);
  }

  onPingTimeout(): void {
    this.options.stats.keepalive_timeout.inc();
    this.#localReason = "http2_ping_timeout";
    this.#close("now");
  }

  // ---- What a stream asks of its connection

  // ----

  #close(mode: "flush" | "now" | "reset"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedByUs = true;
    this.#stopClocks();
    if (mode === "flush") this.#session.flush();
    this.connection.close(mode);
  }

  #stopClocks(): void {
    this.#pings?.stop();
    this.options.timers.cancel(this.#headTimer);
  }

  #guard(task: () => void): void {
    enterBatch();
    try {
      task();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  #fault(fault: unknown): void {
    this.owner.onFault(fault);
    this.#close("reset");
  }
}
