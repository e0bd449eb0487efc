// The connection of a health check that speaks HTTP, of either version: opened when a check needs one, kept where that is wanted, and
// given up when the host leaves. What is asked and what an answer means is the exchange's.
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { Http2ClientConnection } from "#proxy/http/http2-client";
import { readHttp2Options } from "#proxy/http/http2-options";
import type { RequestSender, ResponseReceiver } from "#proxy/http/stream";
import type { Connection } from "#proxy/net/connection";
import type { PendingConnect } from "#proxy/net/connector";
import { NETWORK_FAILURE } from "./probe.ts";
import type { Probe, ProbeContext, ProbeResult } from "./probe.ts";

const MAX_HEAD_BYTES = 60 * 1024;
const MAX_HEADERS = 100;
const HTTP2_DEFAULTS = readHttp2Options(undefined, "", () => {});

/** One request and what its answer means. */
export interface ProbeExchange extends Omit<ResponseReceiver, "onResponseReset"> {
  /** Forgets the check before. */
  begin(): void;
  /** Sends the request. */
  ask(sender: RequestSender): void;
  /** Undefined: the answer is not complete. */
  readonly result: ProbeResult | undefined;
}

export class HttpProbeConnection implements Probe, HttpClientOwner {
  readonly #http2: boolean;
  readonly #context: ProbeContext;
  readonly #exchange: ProbeExchange;
  #connecting: PendingConnect | undefined;
  #client: HttpClientConnection | undefined;
  #waiting = false;
  /** The host asked for no more requests on the connection. */
  #leaving = false;

  constructor(http2: boolean, context: ProbeContext, exchange: ProbeExchange) {
    this.#http2 = http2;
    this.#context = context;
    this.#exchange = exchange;
  }

  start(): void {
    this.#waiting = true;
    this.#exchange.begin();
    if (this.#client !== undefined) {
      this.#ask(this.#client);
      return;
    }
    this.#leaving = false;
    const { connector, address } = this.#context;
    this.#connecting = connector.connect(address, 0, {
      onConnected: (connection) => {
        this.#connecting = undefined;
        this.#client = this.#open(connection);
        this.#ask(this.#client);
      },
      onConnectFailed: () => {
        this.#connecting = undefined;
        this.#end(NETWORK_FAILURE);
      },
    });
  }

  abort(): void {
    this.#waiting = false;
    this.#connecting?.cancel();
    this.#connecting = undefined;
    this.#drop();
  }

  #open(connection: Connection): HttpClientConnection {
    if (!this.#http2) return new Http1ClientConnection(connection, { maxHeadBytes: MAX_HEAD_BYTES, maxHeaders: MAX_HEADERS }, this);
    const { clock, random, http2Stats } = this.#context;
    const options = {
      http2: HTTP2_DEFAULTS,
      maxHeadersBytes: MAX_HEAD_BYTES,
      maxHeadersCount: MAX_HEADERS,
      streamBufferBytes: MAX_HEAD_BYTES,
    };
    return new Http2ClientConnection(connection, { ...options, clock, random, stats: http2Stats() }, this);
  }

  #ask(client: HttpClientConnection): void {
    const exchange = this.#exchange;
    exchange.ask(
      client.newStream({
        onInformational: (headers) => exchange.onInformational(headers),
        onRequestDrain: () => exchange.onRequestDrain(),
        onResponseHeaders: (headers, endStream) => exchange.onResponseHeaders(headers, endStream),
        onResponseData: (chunk, endStream) => exchange.onResponseData(chunk, endStream),
        onResponseTrailers: (trailers) => exchange.onResponseTrailers(trailers),
        onResponseReset: () => {
          this.#drop();
          this.#settle();
        },
      }),
    );
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.connection.close("now");
  }

  /** What was answered in full counts, also where the connection goes with it. */
  #settle(): void {
    this.#end(this.#exchange.result ?? NETWORK_FAILURE);
  }

  #end(result: ProbeResult): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#context.onResult(result);
  }

  // ---- HttpClientOwner

  onStreamDone(_client: HttpClientConnection, reusable: boolean): void {
    if (!reusable || this.#leaving || !this.#context.reuseConnection) this.#drop();
    this.#settle();
  }
  onStreamBroken(): void {}
  onStreamReset(): void {}
  onStreamLimit(): void {}
  onGoAway(): void {
    this.#leaving = true;
    if (!this.#waiting) this.#drop();
  }
  onProtocolError(): void {}
  onFault(): void {
    this.#drop();
    this.#end(NETWORK_FAILURE);
  }
  onClosed(client: HttpClientConnection): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#settle();
  }
}
