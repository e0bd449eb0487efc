// A client's side of the wire: responses in, events out. What a response means depends on its request: call `expect` for each.
import { emptyHeadLines } from "./head-scanner.ts";
import type { Http1Error } from "./http1-error.ts";
import { MessageParser } from "./message-parser.ts";
import type { BodyFraming, HeadReader, MessageHandler } from "./message-parser.ts";
import { parseResponseHead, responseRefusal } from "./response-head.ts";
import type { ResponseContext, ResponseHead, ResponseHeadLimits } from "./response-head.ts";

export interface ResponseHandler extends MessageHandler {
  /** Also for 1xx: then the response proper is still to come, except for 101. `endStream`: there is no body. */
  onResponseHead(head: ResponseHead, endStream: boolean): void;
}

const PLAIN: ResponseContext = { headRequest: false, connectRequest: false, upgradeRequest: false };
const HEAD: ResponseContext = { headRequest: true, connectRequest: false, upgradeRequest: false };
const CONNECT: ResponseContext = { headRequest: false, connectRequest: true, upgradeRequest: false };
const UPGRADE: ResponseContext = { headRequest: false, connectRequest: false, upgradeRequest: true };
const HEAD_UPGRADE: ResponseContext = { headRequest: true, connectRequest: false, upgradeRequest: true };

class ResponseHeadReader implements HeadReader {
  readonly #handler: ResponseHandler;
  readonly #limits: ResponseHeadLimits;
  context: ResponseContext = PLAIN;
  readonly #head: ResponseHead = {
    ...emptyHeadLines(),
    status: 0,
    minorVersion: 1,
    contentLength: -1,
    chunked: false,
    close: false,
    keepAlive: false,
    upgrade: false,
    keepAliveTimeoutSeconds: -1,
  };

  constructor(handler: ResponseHandler, limits: ResponseHeadLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  read(bytes: Buffer, start: number, end: number): number {
    return parseResponseHead(bytes, start, end, this.#head, this.#limits, this.context);
  }

  refusal(): Http1Error {
    return responseRefusal();
  }

  /** RFC 9112 6.3, in its order. */
  framing(): BodyFraming {
    const { status, chunked, contentLength } = this.#head;
    if (status === 101 || (this.context.connectRequest && status >= 200 && status < 300)) return "opaque";
    if (status < 200 || status === 204 || status === 304 || this.context.headRequest) return "none";
    if (chunked) return "chunked";
    if (contentLength >= 0) return contentLength === 0 ? "none" : "length";
    return "until-close";
  }

  contentLength(): number {
    return this.#head.contentLength;
  }

  emit(): void {
    this.#handler.onResponseHead(this.#head, this.framing() === "none");
  }
}

export interface ResponseParser {
  readonly parser: MessageParser;
  /** Before the first byte of a response: what its request was. */
  readonly expect: (method: string, upgrade: boolean) => void;
}

export function createResponseParser(handler: ResponseHandler, limits: ResponseHeadLimits): ResponseParser {
  const reader = new ResponseHeadReader(handler, limits);
  return {
    parser: new MessageParser(reader, handler, limits, false),
    expect(method, upgrade) {
      if (upgrade) reader.context = method === "HEAD" ? HEAD_UPGRADE : UPGRADE;
      else if (method === "HEAD") reader.context = HEAD;
      else reader.context = method === "CONNECT" ? CONNECT : PLAIN;
    },
  };
}
