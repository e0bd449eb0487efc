// An upstream HTTP/2 connection: many streams at a time over one session. Who puts requests on it, and for how long it is kept, is the
// pool's business.
import { ErrorCode } from "#proxy/codec/http2/error-code";
import type { Http2Error } from "#proxy/codec/http2/error-code";
import { Http2Session } from "#proxy/codec/http2/session";
import type { Http2SessionHandler } from "#proxy/codec/http2/session-handler";
import type { Http2Stream, Http2StreamHandler } from "#proxy/codec/http2/stream";
import type { Connection, ConnectionHandler, TransportFailure } from "#proxy/net/connection";
import { invariant } from "#runtime/invariant";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { HttpClientConnection, HttpClientOwner } from "./client-connection.ts";
import { Http2ClientStream } from "./http2-client-stream.ts";
import type { Http2CodecStats } from "./http2-codec-stats.ts";
import { Http2Pings } from "./http2-keepalive.ts";
import type { PingedConnection } from "./http2-keepalive.ts";
import type { Http2Options } from "./http2-options.ts";
import { Http2ConnectionOutput } from "./http2-output.ts";
import type { RequestSender, ResponseReceiver } from "./stream.ts";
import { enterBatch, leaveBatch } from "./write-batch.ts";

export interface Http2ClientOptions {
  readonly http2: Http2Options;
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  /** Of each stream, that may wait for the peer's windows. */
  readonly streamBufferBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Http2CodecStats;
}

/** Streams that may be opened before the peer has said how many it takes: the least that RFC 9113 6.5.2 recommends. */
const STREAMS_BEFORE_SETTINGS = 100;
/** Stream numbers are odd and below 2^31: a connection that has used them up takes no more. */
const MAX_STREAMS = 2 ** 30 - 1;

export class Http2ClientConnection implements HttpClientConnection, ConnectionHandler, Http2SessionHandler, PingedConnection {
  readonly version = "HTTP/2";
  readonly keepAliveTimeoutMs = undefined;
  readonly connection: Connection;
  readonly owner: HttpClientOwner;
  readonly session: Http2Session;
  readonly #maxStreams: number;
  readonly #stats: Http2CodecStats;
  readonly #pings: Http2Pings | undefined;
  #closedByUs = false;
  #opened = 0;
  #settingsKnown = false;
  /** Upgrades that wait to hear whether the peer takes them: the session does not know of them yet. */
  readonly #held = new Set<Http2ClientStream>();

  constructor(connection: Connection, options: Http2ClientOptions, owner: HttpClientOwner) {
    const { http2, clock, random, stats, ...limits } = options;
    this.connection = connection;
    this.owner = owner;
    this.#maxStreams = http2.maxConcurrentStreams;
    this.#stats = stats;
    const output = new Http2ConnectionOutput(connection);
    this.session = new Http2Session({ role: "client", ...http2, ...limits, nowMs: () => clock.monotonicMs() }, output, this, stats);
    this.#pings = http2.keepalive === undefined ? undefined : new Http2Pings(http2.keepalive, this, clock, random);
    connection.handler = this;
    output.session = this.session;
    output.onWritable();
  }

  get closed(): boolean {
    return this.session.closed;
  }

  get closedByUs(): boolean {
    return this.#closedByUs;
  }

  get streamLimit(): number {
    if (!this.#settingsKnown) return Math.min(this.#maxStreams, STREAMS_BEFORE_SETTINGS);
    const { session } = this;
    return session.availableStreams + session.streamCount;
  }

  /** The peer takes extended CONNECT. */
  get takesUpgrades(): boolean {
    return this.session.peerSettings.enableConnectProtocol;
  }

  newStream(receiver: ResponseReceiver): RequestSender {
    this.#pings?.onNewStream();
    if (++this.#opened === MAX_STREAMS) this.owner.onGoAway(this);
    return new Http2ClientStream(this, receiver);
  }

  /** There are no streams on it. As Envoy, without GOAWAY, which tells a server only which of its pushes were seen. */
  close(): void {
    this.#end("flush", ErrorCode.NO_ERROR, "");
  }

  /** `stream.sendHeld()` follows once the peer's settings are known, which may be now. */
  hold(stream: Http2ClientStream): void {
    if (this.#settingsKnown) stream.sendHeld();
    else this.#held.add(stream);
  }

  // Transport events.

  onData(chunk: Buffer): void {
    if (this.session.closed) return;
    this.#pings?.onRead();
    enterBatch();
    try {
      this.session.receive(chunk);
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  onEnd(): void {
    this.#guarded(() => this.#end("flush", ErrorCode.NO_ERROR, ""));
  }

  onDrain(): void {
    this.#guarded(() => this.session.onDrain());
  }

  onClose(failure: TransportFailure | undefined): void {
    this.#pings?.stop();
    this.#guarded(() => this.#terminate(ErrorCode.NO_ERROR, failure?.detail ?? ""));
    this.owner.onClosed(this, failure);
  }

  // Session events.

  onStream(): Http2StreamHandler {
    invariant(false, "a server opened a stream");
  }

  onStreamEnd(stream: Http2Stream): void {
    (stream.handler as Http2ClientStream).retire();
  }

  /** A stream is over. Those that ended with the connection were told to be broken. */
  onSlotFree(): void {
    if (!this.session.closed) this.owner.onStreamDone(this, true);
  }

  onSettings(): void {
    this.#settingsKnown = true;
    for (const stream of this.#held) {
      this.#held.delete(stream);
      stream.sendHeld();
    }
    this.owner.onStreamLimit(this);
  }

  onPingAck(payload: number): void {
    this.#pings?.onPingAck(payload);
  }

  onGoaway(): void {
    this.owner.onGoAway(this);
  }

  onSessionError(error: Http2Error): void {
    this.owner.onProtocolError(this, error.details);
    this.#pings?.stop();
    this.#breakHeld(error.code, error.details);
    this.connection.close("flush");
  }

  // PingedConnection.

  ping(payload: number): void {
    this.session.ping(payload);
  }

  onPingTimeout(): void {
    this.#stats.keepalive_timeout.inc();
    this.#closedByUs = true;
    this.#guarded(() => this.#end("now", ErrorCode.NO_ERROR, ""));
  }

  // Inside.

  #end(mode: "flush" | "now" | "reset", code: number, details: string): void {
    if (this.session.closed) return;
    this.#pings?.stop();
    if (mode === "flush") this.session.flush();
    this.#terminate(code, details);
    this.connection.close(mode);
  }

  #terminate(code: number, details: string): void {
    this.session.terminate(code, details);
    this.#breakHeld(code, details);
  }

  #breakHeld(code: number, details: string): void {
    for (const stream of this.#held) {
      this.#held.delete(stream);
      stream.onReset(code, "connection", details);
    }
  }

  #guarded(action: () => void): void {
    enterBatch();
    try {
      action();
    } catch (fault) {
      this.#fault(fault);
    } finally {
      leaveBatch();
    }
  }

  /** Code of ours threw: what the connection's streams are in is not known any more. */
  #fault(fault: unknown): void {
    this.owner.onFault(fault);
    this.#closedByUs = true;
    try {
      this.#end("reset", ErrorCode.INTERNAL_ERROR, "internal_error");
    } catch (again) {
      this.owner.onFault(again);
      this.connection.close("reset");
    }
  }
}
