// Requests through both codecs without sockets: what an upstream is told when a client sends these bytes, and the other way round.
import { Http1ClientConnection } from "#proxy/http/http1-client";
import { Http1ServerConnection } from "#proxy/http/http1-server";
import type { HttpClientOwner } from "#proxy/http/client-connection";
import { FakeConnection } from "#proxy/http/connection.fake";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import type { ServerStream } from "#proxy/http/server-codec";
import type { RequestReceiver, RequestSender, ResponseReceiver, StreamResetReason } from "#proxy/http/stream";
import { LIMITS } from "./codec.ts";

export interface Relayed {
  /** What the upstream was told, all requests in one. */
  readonly upstream: string;
  /** What the client was told. */
  readonly downstream: string;
  /** Our own throws. */
  readonly faults: readonly unknown[];
}

/** One exchange: passes on what comes, and has the upstream answer when the request is over. */
class Exchange implements RequestReceiver, ResponseReceiver {
  readonly #down: ServerStream;
  readonly #up: RequestSender;
  readonly #answer: () => void;
  constructor(down: ServerStream, client: Http1ClientConnection, answer: () => void) {
    this.#down = down;
    this.#up = client.newStream(this);
    this.#answer = answer;
  }
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    // HTTP/1.0 may do without Host; the connection manager refuses it before anybody forwards it.
    if (headers.authority === "") {
      this.#down.closeAfterResponse();
      this.#down.sendHeaders(new PairResponseHeaderMap(400), true);
      return;
    }
    this.#up.sendHeaders(headers, endStream);
    if (endStream || headers.upgrade !== undefined || headers.method === "CONNECT") this.#answer();
  }
  onRequestData(chunk: Buffer, endStream: boolean): void {
    this.#up.sendData(chunk, endStream);
    if (endStream) this.#answer();
  }
  onRequestTrailers(trailers: TrailerMap): void {
    this.#up.sendTrailers(trailers);
    this.#answer();
  }
  onRequestReset(reason: StreamResetReason): void {
    this.#up.reset(reason);
  }
  onRequestDrain(): void {}
  onInformational(headers: ResponseHeaderMap): void {
    this.#down.sendInformational(headers);
  }
  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.#down.sendHeaders(headers, endStream);
  }
  onResponseData(chunk: Buffer, endStream: boolean): void {
    this.#down.sendData(chunk, endStream);
  }
  onResponseTrailers(trailers: TrailerMap): void {
    this.#down.sendTrailers(trailers);
  }
  onResponseReset(reason: StreamResetReason): void {
    this.#down.reset(reason);
  }
  onResponseDrain(): void {}
}

const ANSWER = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";

/** `answers`: what upstreams say, each to one request; `end` has the upstream end behind it. */
export function relay(pieces: readonly Buffer[], answer: string = ANSWER, end = false): Relayed {
  const faults: unknown[] = [];
  const upstreams: FakeConnection[] = [];
  const down = new FakeConnection();
  const owner: HttpClientOwner = {
    onStreamDone: () => {},
    onStreamReset: () => {},
    onStreamLimit: () => {},
    onGoAway: () => {},
    onStreamBroken: () => {},
    onProtocolError: () => {},
    onFault: (fault) => faults.push(fault),
    onClosed: () => {},
  };
  void new Http1ServerConnection(
    down,
    { ...LIMITS, proxy100Continue: true },
    {
      newStream(sender) {
        const up = new FakeConnection();
        upstreams.push(up);
        return new Exchange(sender, new Http1ClientConnection(up, LIMITS, owner), () => {
          up.feed(answer);
          if (end) up.feedEnd();
        });
      },
      onHeadAbandoned: () => {},
      onCodecError: ({ status }) => ({ status, body: "" }),
      onHeadBegun: () => {},
      onIdle: () => {},
      onFault: (fault) => faults.push(fault),
      onClosed: () => {},
    },
  );
  for (const piece of pieces) {
    if (down.closed !== undefined) break;
    down.feed(piece.toString("latin1"));
  }
  const downstream = down.take();
  return { upstream: upstreams.map((up) => up.take()).join(""), downstream, faults };
}
