// The way out of an HTTP/2 connection, either side: what a session writes in one turn of the event loop leaves in one write.
import type { Http2Session } from "#proxy/codec/http2/session";
import type { Http2Output } from "#proxy/codec/http2/session-handler";
import type { Connection } from "#proxy/net/connection";
import { enlistForTurn } from "./write-batch.ts";
import type { BatchedWriter } from "./write-batch.ts";

export class Http2ConnectionOutput implements Http2Output, BatchedWriter {
  readonly #connection: Connection;
  /** Set once the session is made, which writes within its constructor. */
  session: Http2Session | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  // ---- Http2Output

  get pendingBytes(): number {
    return this.#connection.pendingBytes;
  }

  write(pieces: readonly Uint8Array[]): boolean {
    return this.#connection.writeAll(pieces);
  }

  onWritable(): void {
    enlistForTurn(this);
  }

  // ---- BatchedWriter

  flush(): void {
    this.session?.flush();
  }
}
