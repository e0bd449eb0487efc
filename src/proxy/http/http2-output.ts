// The way out of an HTTP/2 connection, either side: what a session writes while one event is handled leaves in one write at its end.
import type { Http2Session } from "#proxy/codec/http2/session";
import type { Http2Output } from "#proxy/codec/http2/session-handler";
import type { Connection } from "#proxy/net/connection";
import { enlist } from "./write-batch.ts";
import type { BatchedWriter } from "./write-batch.ts";

export class Http2ConnectionOutput implements Http2Output, BatchedWriter {
  readonly #connection: Connection;
  /** Set once the session is made, which writes within its constructor. */
  session: Http2Session | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  // ---- Http2Output

  get drained(): boolean {
    return this.#connection.flushed;
  }

  write(pieces: readonly Uint8Array[]): boolean {
    return this.#connection.writeAll(pieces);
  }

  onWritable(): void {
    // Outside of a batch (a timer, a filter's promise) more may follow in the same task; nothing may run between it and this.
    if (!enlist(this)) queueMicrotask(this.flush);
  }

  // ---- BatchedWriter

  readonly flush = (): void => {
    this.session?.flush();
  };
}
