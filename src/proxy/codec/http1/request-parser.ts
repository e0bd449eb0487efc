// A server's side of the wire: requests in, events out.
import { emptyHeadLines } from "./head-scanner.ts";
import type { Http1Error } from "./http1-error.ts";
import { MessageParser } from "./message-parser.ts";
import type { BodyFraming, HeadReader, MessageHandler } from "./message-parser.ts";
import { parseRequestHead, requestRefusal } from "./request-head.ts";
import type { RequestHead, RequestHeadLimits } from "./request-head.ts";

export interface RequestHandler extends MessageHandler {
  /** `endStream`: the request has no body. The head is valid until the call returns; what header maps take of it stays theirs. */
  onRequestHead(head: RequestHead, endStream: boolean): void;
}

class RequestHeadReader implements HeadReader {
  readonly #handler: RequestHandler;
  readonly #limits: RequestHeadLimits;
  readonly #head: RequestHead = {
    ...emptyHeadLines(),
    method: "",
    path: "",
    authority: "",
    scheme: "http",
    hostLine: -1,
    minorVersion: 1,
    contentLength: -1,
    chunked: false,
    close: false,
    keepAlive: false,
    upgrade: false,
    upgradeProtocol: undefined,
    expectContinue: false,
    teTrailers: false,
  };

  constructor(handler: RequestHandler, limits: RequestHeadLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  read(bytes: Buffer, start: number, end: number): number {
    return parseRequestHead(bytes, start, end, this.#head, this.#limits);
  }

  refusal(): Http1Error {
    return requestRefusal();
  }

  framing(): BodyFraming {
    const head = this.#head;
    if (head.chunked) return "chunked";
    return head.contentLength > 0 ? "length" : "none";
  }

  contentLength(): number {
    return this.#head.contentLength;
  }

  emit(): void {
    this.#handler.onRequestHead(this.#head, !this.#head.chunked && this.#head.contentLength <= 0);
  }
}

export function createRequestParser(handler: RequestHandler, limits: RequestHeadLimits): MessageParser {
  return new MessageParser(new RequestHeadReader(handler, limits), handler, limits, true);
}
