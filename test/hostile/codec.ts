// Our parsers on bytes, in pieces or whole; each piece is overwritten as soon as it was read, as a lent buffer is.
import { LINE_KIND, LINE_SLOTS, LINE_START, NAME_END, valueAt } from "#proxy/codec/http1/head-scanner";
import type { HeadLines } from "#proxy/codec/http1/head-scanner";
import { KNOWN } from "#proxy/codec/http1/known-header";
import type { MessageHandler, MessageParser } from "#proxy/codec/http1/message-parser";
import { createRequestParser } from "#proxy/codec/http1/request-parser";
import { createResponseParser } from "#proxy/codec/http1/response-parser";
import type { Message, Reading } from "./message.ts";

export const LIMITS = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  allowAbsoluteUrl: true,
  scheme: "http",
  validateScheme: true,
} as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function visible(lines: HeadLines): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.lineCount; i++) {
    const at = lines.base + i * LINE_SLOTS;
    const kind = lines.index[at + LINE_KIND];
    // Upgrade is left where it counts, for the header map.
    if (kind === KNOWN.removed || kind === KNOWN.upgrade) continue;
    out.push(`${lines.text.slice(lines.index[at + LINE_START], lines.index[at + NAME_END]).toLowerCase()}: ${valueAt(lines, at)}`);
  }
  return out;
}

class Recorder implements MessageHandler {
  readonly messages: Mutable<Message>[] = [];
  opaque = false;
  begin(start: string, lines: HeadLines, complete: boolean): void {
    this.messages.push({ start, headers: visible(lines), body: "", trailers: [], complete });
  }
  get #open(): Mutable<Message> {
    const last = this.messages.at(-1);
    if (last === undefined || last.complete) throw new Error("an event behind the end of a message");
    return last;
  }
  onBody(chunk: Buffer, start: number, end: number, last: boolean): void {
    if (this.opaque) return;
    this.#open.body += chunk.toString("latin1", start, end);
    if (last) this.#open.complete = true;
  }
  onTrailers(lines: HeadLines): void {
    this.#open.trailers = visible(lines);
    this.#open.complete = true;
  }
  onBodyEnd(): void {
    if (!this.opaque) this.#open.complete = true;
  }
}

function feed(parser: MessageParser, pieces: readonly Buffer[]): void {
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    let position = 0;
    while (position < bytes.length && parser.error === undefined) {
      const read = parser.execute(bytes, position, bytes.length);
      if (read === 0 && parser.error === undefined) throw new Error("the parser stands still");
      position += read;
    }
    bytes.fill(0x58);
  }
}

export function codecRequests(pieces: readonly Buffer[]): Reading {
  const recorder = new Recorder();
  // As if the server agreed to every switch of protocols.
  let switches = false;
  const becomeOpaque = (): void => {
    recorder.opaque = true;
    parser.becomeOpaque();
  };
  const parser: MessageParser = createRequestParser(
    {
      onRequestHead(head, endStream) {
        recorder.begin(`${head.method} ${head.text.split(" ", 2)[1]}`, head, endStream);
        switches = head.method === "CONNECT" || head.upgradeProtocol !== undefined;
        if (switches && endStream) becomeOpaque();
      },
      onBody(chunk, start, end, last) {
        recorder.onBody(chunk, start, end, last);
        if (switches && last) becomeOpaque();
      },
      onTrailers: (lines) => recorder.onTrailers(lines),
      onBodyEnd: () => recorder.onBodyEnd(),
    },
    LIMITS,
  );
  feed(parser, pieces);
  return { messages: recorder.messages, error: parser.error?.message, opaque: recorder.opaque };
}

export interface ResponseTo {
  readonly method?: string;
  readonly upgrade?: boolean;
  /** The peer ended after the bytes. */
  readonly end?: boolean;
}

export function codecResponses(pieces: readonly Buffer[], { method = "GET", upgrade = false, end = false }: ResponseTo): Reading {
  const recorder = new Recorder();
  const { parser, expect } = createResponseParser(
    {
      onResponseHead(head, endStream) {
        recorder.opaque = head.status === 101 || (method === "CONNECT" && head.status >= 200 && head.status < 300);
        recorder.begin(String(head.status), head, endStream || recorder.opaque);
      },
      onBody: (...data) => recorder.onBody(...data),
      onTrailers: (lines) => recorder.onTrailers(lines),
      onBodyEnd: () => recorder.onBodyEnd(),
    },
    LIMITS,
  );
  expect(method, upgrade);
  feed(parser, pieces);
  if (end && parser.error === undefined) parser.finish();
  return { messages: recorder.messages, error: parser.error?.message, opaque: recorder.opaque };
}

/** `bytes` at every place in two, and byte by byte. Of long ones the beginning, the end and some places between. */
export function* splits(bytes: Buffer): Generator<readonly Buffer[]> {
  const step = bytes.length > 2000 ? 997 : 1;
  for (let at = 1; at < bytes.length; at += at < 300 || bytes.length - at < 300 ? 1 : step)
    yield [bytes.subarray(0, at), bytes.subarray(at)];
  if (bytes.length <= 2000) yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}
