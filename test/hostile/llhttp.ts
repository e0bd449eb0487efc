// Node's own parser, llhttp, on bytes without a socket: what most back ends in JavaScript would make of them.
import { createRequire } from "node:module";
import { endToEnd, inTrailers } from "./message.ts";
import type { Message, Reading } from "./message.ts";

interface LlhttpParser {
  initialize(type: number, owner: object, maxHeaderBytes: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  finish(): undefined | Error;
  [callback: number]: (...values: never[]) => unknown;
}

interface LlhttpConstants {
  new (): LlhttpParser;
  readonly [name: string]: number;
}

// Node has no public name for it: a server or client around it would add its own checks and hide where a message ended.
const { HTTPParser } = createRequire(import.meta.url)("node:_http_common") as { readonly HTTPParser: LlhttpConstants };
const constant = (name: string): number => {
  const value = HTTPParser[name];
  if (value === undefined) throw new Error(`llhttp has no ${name}`);
  return value;
};

const MAX_HEADER_BYTES = 65_536;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface LlhttpOptions {
  /** As `insecureHTTPParser` does. */
  readonly lenient?: boolean;
  /** Responses: what was asked for. */
  readonly method?: string;
  readonly upgrade?: boolean;
  /** The peer ended after the bytes. */
  readonly end?: boolean;
}

function read(type: "REQUEST" | "RESPONSE", bytes: Buffer, options: LlhttpOptions): Reading {
  const messages: Mutable<Message>[] = [];
  // Of a head that came to the callbacks in parts.
  let early: string[] = [];
  let earlyUrl = "";
  let opaque = false;
  const last = (): Mutable<Message> => messages[messages.length - 1]!;
  const parser = new HTTPParser();
  parser.initialize(constant(type), {}, MAX_HEADER_BYTES, constant(options.lenient === true ? "kLenientAll" : "kLenientNone"));
  parser[constant("kOnMessageBegin")] = () => {
    early = [];
    earlyUrl = "";
  };
  parser[constant("kOnHeaders")] = (pairs: string[], url: string) => {
    if (messages.length === 0 || last().complete) {
      early.push(...pairs);
      earlyUrl += url;
    } else last().trailers = [...last().trailers, ...inTrailers(pairs)];
  };
  parser[constant("kOnHeadersComplete")] = (
    _major: number,
    _minor: number,
    pairs: string[] | undefined,
    method: number,
    url: string | undefined,
    status: number,
    _reason: string,
    upgrade: boolean,
  ): number => {
    const headers = endToEnd([...early, ...(pairs ?? [])]);
    early = [];
    const start = type === "REQUEST" ? `${METHODS[method]} ${url ?? earlyUrl}` : String(status);
    messages.push({ start, headers, body: "", trailers: [], complete: false });
    if (type === "REQUEST") return 0;
    if (status === 101 || (options.method === "CONNECT" && status >= 200 && status < 300)) {
      opaque = true;
      return 2;
    }
    return options.method === "HEAD" || upgrade ? 1 : 0;
  };
  parser[constant("kOnBody")] = (chunk: Buffer) => void (last().body += chunk.toString("latin1"));
  parser[constant("kOnMessageComplete")] = () => void (last().complete = true);
  const result = parser.execute(Buffer.from(bytes));
  let error = typeof result === "number" ? undefined : errorOf(result);
  if (typeof result === "number" && result < bytes.length) opaque = true;
  if (error === undefined && !opaque && options.end === true) {
    const ending = parser.finish();
    if (ending !== undefined) error = errorOf(ending);
  }
  return { messages, error, opaque };
}

function errorOf(error: Error): string {
  return "code" in error ? String(error.code) : error.message;
}

const METHODS = (createRequire(import.meta.url)("node:_http_common") as { readonly methods: readonly string[] }).methods;

export function llhttpRequests(bytes: Buffer, options: LlhttpOptions = {}): Reading {
  return read("REQUEST", bytes, options);
}

export function llhttpResponses(bytes: Buffer, options: LlhttpOptions = {}): Reading {
  return read("RESPONSE", bytes, options);
}
