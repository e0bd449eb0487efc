// A transport connection for tests: records what is written, hands out what the test feeds. With `poison`, bytes that were fed and not
// kept are overwritten after the callback, as the transport does in poison mode.
import { lendPoisoned } from "#proxy/net/read-buffer";
import { endTurn } from "./write-batch.ts";
import type { Connection, ConnectionHandler, PauseCause, TransportFailure } from "#proxy/net/connection";

const unhandled: ConnectionHandler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };

export class FakeConnection implements Connection {
  readonly id = 1;
  readonly local = { address: "127.0.0.1", port: 1 };
  readonly remote = { address: "127.0.0.1", port: 2 };
  readonly startMs = 0;
  bytesReceived = 0;
  bytesSent = 0;
  handler: ConnectionHandler = unhandled;
  bufferLimitBytes = 65_536;
  delayedCloseMs = 1000;
  delayedCloseExpired = false;
  /** Everything written, as latin1. */
  written = "";
  /** Calls of write and writeBoth: system calls. */
  writes = 0;
  ended = false;
  closed: "flush" | "now" | "reset" | undefined;
  /** What `write` answers. */
  flowing = true;
  readonly pauses = new Map<PauseCause, number>();

  write(data: string | Uint8Array): boolean {
    this.writes++;
    const text = typeof data === "string" ? data : Buffer.from(data).toString("latin1");
    if (this.closed === undefined) this.written += text;
    return this.flowing;
  }

  writeBoth(head: string, body: Uint8Array): boolean {
    return this.write(head + Buffer.from(body).toString("latin1"));
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(pieces));
  }

  get pendingBytes(): number {
    return this.flowing ? 0 : this.written.length;
  }

  pauseReading(cause: PauseCause): void {
    this.pauses.set(cause, (this.pauses.get(cause) ?? 0) + 1);
  }

  resumeReading(cause: PauseCause): void {
    this.pauses.set(cause, (this.pauses.get(cause) ?? 0) - 1);
  }

  get paused(): boolean {
    return [...this.pauses.values()].some((count) => count > 0);
  }

  end(): void {
    this.ended = true;
  }

  close(mode: "flush" | "now" | "reset"): void {
    this.closed ??= mode;
  }

  /** The peer sends. */
  feed(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.bytesReceived += bytes.length;
    lendPoisoned(bytes, (chunk) => this.handler.onData(chunk));
  }

  feedEnd(): void {
    this.handler.onEnd();
  }

  drained(): void {
    this.flowing = true;
    this.handler.onDrain();
  }

  /** The transport's last word. */
  lost(failure?: TransportFailure): void {
    this.handler.onClose(failure);
  }

  /** All that was written, as if the event loop had turned. */
  take(): string {
    endTurn();
    const text = this.written;
    this.written = "";
    return text;
  }
}
