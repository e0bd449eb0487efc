// From scanned bytes to what a request means: method, target, authority, framing, connection options. Everything by which two
// parsers could disagree on where a request ends is refused here (RFC 9112 6.3, 11.2).
import { CR, LF, SPACE, TARGET, TOKEN } from "./characters.ts";
import { MAX_REQUEST_OPTIONS, proxyConnectionCloses, readConnectionOptions } from "./connection-options.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { INCOMPLETE, LINE_KIND, LINE_SLOTS, REFUSED, findKind, removeKinds, scan, scanLines, valueAt } from "./head-scanner.ts";
import type { HeadLines } from "./head-scanner.ts";
import { HTTP1_ERRORS } from "./http1-error.ts";
import type { Http1Error } from "./http1-error.ts";
import { HOP_BY_HOP_KINDS, KNOWN } from "./known-header.ts";
import { isAuthority, parseAbsoluteTarget } from "./request-target.ts";

/** Reused by its parser: valid until the next head. A header map copies the fields that it needs. */
export interface RequestHead extends HeadLines, ConnectionOptions {
  method: string;
  /** "" for CONNECT. */
  path: string;
  authority: string;
  scheme: "http" | "https";
  /** Index position of the Host line that says `authority`; -1 when there is none or the target overrides it. */
  hostLine: number;
  minorVersion: 0 | 1;
  /** -1 without Content-Length. */
  contentLength: number;
  chunked: boolean;
  /** The protocol of a valid Upgrade, lower case. */
  upgradeProtocol: string | undefined;
  /** Expect: 100-continue. */
  expectContinue: boolean;
  /** TE names trailers. */
  teTrailers: boolean;
}

export interface RequestHeadLimits {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** Also take `GET http://host/path HTTP/1.1`. */
  readonly allowAbsoluteUrl: boolean;
  /** What a target in origin form means: the listener's transport. */
  readonly scheme: "http" | "https";
  /** False: whoever is in front may have ended TLS, so that an https URL may come without it. */
  readonly validateScheme: boolean;
}

const NUMBER_SIGN = 0x23;

/** Why the last parse was refused. */
let refusal: Http1Error = HTTP1_ERRORS.requestLine;
export function requestRefusal(): Http1Error {
  return refusal;
}
function refuse(error: Http1Error): number {
  refusal = error;
  return REFUSED;
}

/** Envoy's list without those below; any other method gets 400 there as well. */
const OTHER_METHODS: ReadonlySet<string> = new Set(
  (
    "TRACE ACL BIND CHECKOUT COPY LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE " +
    "MSEARCH NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
  ).split(" "),
);

/** One string per common method, so that comparisons are by pointer; "" for a method that is not known. */
function internMethod(method: string): string {
  switch (method) {
    case "GET":
      return "GET";
    case "POST":
      return "POST";
    case "HEAD":
      return "HEAD";
    case "PUT":
      return "PUT";
    case "DELETE":
      return "DELETE";
    case "OPTIONS":
      return "OPTIONS";
    case "PATCH":
      return "PATCH";
    case "CONNECT":
      return "CONNECT";
    default:
      return OTHER_METHODS.has(method) ? method : "";
  }
}

/** The version at `at`, which holds `HTTP/x.y`: 0 or 1 for HTTP/1.0 and HTTP/1.1, 2 for another version, -1 for no version. */
export function versionAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0x48 || bytes[at + 1] !== 0x54 || bytes[at + 2] !== 0x54 || bytes[at + 3] !== 0x50 || bytes[at + 4] !== 0x2f) return -1;
  const major = bytes[at + 5]! - 0x30;
  const minor = bytes[at + 7]! - 0x30;
  if (major < 0 || major > 9 || minor < 0 || minor > 9 || bytes[at + 6] !== 0x2e) return -1;
  return major === 1 && minor <= 1 ? minor : 2;
}

const VERSION_START = Buffer.from("HTTP/", "latin1");

/** Whether the first bytes of a version are those of one: garbage is answered at once instead of being waited for. */
function isVersionSoFar(bytes: Uint8Array, start: number, end: number): boolean {
  const known = Math.min(VERSION_START.length, end - start);
  for (let i = 0; i < known; i++) if (bytes[start + i] !== VERSION_START[i]) return false;
  return true;
}

/** A Content-Length in digits that fits a safe integer, else -1. */
export function parseLength(text: string): number {
  if (text.length === 0 || text.length > 16) return -1;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}

export function countKind(lines: HeadLines, kind: number): number {
  let count = 0;
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  for (let at = lines.base; at < end; at += LINE_SLOTS) if (lines.index[at + LINE_KIND] === kind) count++;
  return count;
}

function readTarget(head: RequestHead, target: string, limits: RequestHeadLimits): Http1Error | undefined {
  head.scheme = limits.scheme;
  if (head.method === "CONNECT") {
    if (!isAuthority(target, true)) return HTTP1_ERRORS.authority;
    head.authority = target;
    head.path = "";
    return undefined;
  }
  if (target.charCodeAt(0) === 0x2f) {
    head.path = target;
    return undefined;
  }
  if (target === "*") {
    head.path = "*";
    return head.method === "OPTIONS" ? undefined : HTTP1_ERRORS.target;
  }
  const absolute = parseAbsoluteTarget(target, head.method);
  if (absolute === undefined) return HTTP1_ERRORS.target;
  if (!limits.allowAbsoluteUrl) return HTTP1_ERRORS.absoluteTarget;
  // A route that redirects plaintext to TLS must not take a client's word for it.
  if (absolute.scheme === "https" && limits.scheme === "http" && limits.validateScheme) return HTTP1_ERRORS.httpsOnPlaintext;
  head.scheme = absolute.scheme;
  head.authority = absolute.authority;
  head.path = absolute.path;
  return undefined;
}

/** RFC 9112 3.2: exactly one valid Host in HTTP/1.1; the authority of an absolute target replaces it. */
function readHost(head: RequestHead, kinds: number): Http1Error | undefined {
  const fromTarget = head.authority;
  head.hostLine = -1;
  if ((kinds & (1 << KNOWN.host)) === 0) return head.minorVersion === 1 ? HTTP1_ERRORS.noHost : undefined;
  if (countKind(head, KNOWN.host) > 1) return HTTP1_ERRORS.manyHosts;
  const at = findKind(head, KNOWN.host);
  const host = valueAt(head, at);
  if (!isAuthority(host)) return HTTP1_ERRORS.badHost;
  if (fromTarget === "" || fromTarget === host) {
    head.authority = host;
    head.hostLine = at;
  }
  return undefined;
}

function readFraming(head: RequestHead, kinds: number): Http1Error | undefined {
  const hasLength = (kinds & (1 << KNOWN.contentLength)) !== 0;
  if ((kinds & (1 << KNOWN.transferEncoding)) !== 0) {
    // HTTP/1.0 does not know the field: whoever stands before us may have framed the message without it (RFC 9112 6.1).
    if (head.minorVersion === 0) return HTTP1_ERRORS.encodingNotAllowed;
    if (hasLength) return HTTP1_ERRORS.lengthAndEncoding;
    const at = findKind(head, KNOWN.transferEncoding);
    if (countKind(head, KNOWN.transferEncoding) > 1 || valueAt(head, at).toLowerCase() !== "chunked" || head.method === "CONNECT")
      return HTTP1_ERRORS.unsupportedEncoding;
    head.chunked = true;
  } else if (hasLength) {
    if (countKind(head, KNOWN.contentLength) > 1) return HTTP1_ERRORS.manyLengths;
    head.contentLength = parseLength(valueAt(head, findKind(head, KNOWN.contentLength)));
    if (head.contentLength < 0) return HTTP1_ERRORS.badLength;
    if (head.method === "CONNECT" && head.contentLength > 0) return HTTP1_ERRORS.lengthNotAllowed;
  }
  return undefined;
}

/** Several lines are one list: no single protocol that somebody could have allowed. */
function upgradeValue(head: RequestHead): string {
  if (countKind(head, KNOWN.upgrade) === 1) return valueAt(head, findKind(head, KNOWN.upgrade));
  const values: string[] = [];
  const end = head.base + head.lineCount * LINE_SLOTS;
  for (let at = head.base; at < end; at += LINE_SLOTS) if (head.index[at + LINE_KIND] === KNOWN.upgrade) values.push(valueAt(head, at));
  return values.join(", ");
}

/** Upgrade counts with its Connection option in HTTP/1.1 only; `h2c` is not served and is passed over, as Envoy does. */
function readUpgrade(head: RequestHead, kinds: number): Http1Error | undefined {
  if ((kinds & (1 << KNOWN.upgrade)) === 0 || !head.upgrade || head.minorVersion === 0 || head.method === "CONNECT") return undefined;
  const protocol = upgradeValue(head).toLowerCase();
  if (protocol === "" || protocol === "h2c") return undefined;
  if (head.chunked) return HTTP1_ERRORS.encodingNotAllowed;
  head.upgradeProtocol = protocol;
  return undefined;
}

function hasTrailersOption(head: RequestHead): boolean {
  const te = valueAt(head, findKind(head, KNOWN.te)).toLowerCase();
  return te === "trailers" || te.split(",").some((option) => option.trim() === "trailers");
}

/** Returns the position behind the head, INCOMPLETE, or REFUSED with `requestRefusal()`. */
export function parseRequestHead(bytes: Buffer, start: number, end: number, head: RequestHead, limits: RequestHeadLimits): number {
  // Request line: METHOD SP TARGET SP HTTP/x.y CRLF, single spaces (RFC 9112 3).
  let i = start;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== SPACE || i === start) return refuse(HTTP1_ERRORS.requestLine);
  const methodEnd = i++;
  const targetStart = i;
  while (i < end && TARGET[bytes[i]!] === 1) i++;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== SPACE) {
    if (bytes[i] === CR || bytes[i] === LF) return refuse(HTTP1_ERRORS.requestLine);
    return refuse(bytes[i] === NUMBER_SIGN ? HTTP1_ERRORS.fragment : HTTP1_ERRORS.targetCharacter);
  }
  const targetEnd = i++;
  if (targetEnd === targetStart) return refuse(HTTP1_ERRORS.requestLine);
  if (i + 10 > end) return isVersionSoFar(bytes, i, end) ? INCOMPLETE : refuse(HTTP1_ERRORS.requestLine);
  const version = versionAt(bytes, i);
  if (version === -1) return refuse(HTTP1_ERRORS.requestLine);
  if (bytes[i + 8] !== CR) return refuse(bytes[i + 8] === LF ? HTTP1_ERRORS.bareLf : HTTP1_ERRORS.requestLine);
  if (bytes[i + 9] !== LF) return refuse(HTTP1_ERRORS.bareCr);
  if (version === 2) return refuse(HTTP1_ERRORS.version);

  const next = scanLines(bytes, i + 10, end, start, limits.maxHeaders, head);
  if (next === INCOMPLETE) return INCOMPLETE;
  if (next === REFUSED) return refuse(scan.error);
  if (next - start > limits.maxHeadBytes) return refuse(HTTP1_ERRORS.headTooLarge);
  const kinds = scan.kinds;

  // From here on the head owns its bytes, as one string: slices of it cost no copy, and the read buffer may go.
  head.text = bytes.toString("latin1", start, next - 2);
  head.method = internMethod(head.text.slice(0, methodEnd - start));
  head.authority = "";
  head.minorVersion = version === 0 ? 0 : 1;
  head.contentLength = -1;
  head.chunked = false;
  head.close = false;
  head.keepAlive = false;
  head.upgrade = false;
  head.upgradeProtocol = undefined;
  head.teTrailers = false;
  head.expectContinue = false;
  if (head.method === "") return refuse(HTTP1_ERRORS.method);
  const error =
    readTarget(head, head.text.slice(targetStart - start, targetEnd - start), limits) ?? readHost(head, kinds) ?? readFraming(head, kinds);
  if (error !== undefined) return refuse(error);

  if ((kinds & HOP_BY_HOP_KINDS) !== 0) {
    if ((kinds & (1 << KNOWN.connection)) !== 0 && !readConnectionOptions(head, head, MAX_REQUEST_OPTIONS))
      return refuse(HTTP1_ERRORS.connectionOptions);
    if ((kinds & (1 << KNOWN.proxyConnection)) !== 0 && proxyConnectionCloses(head)) head.close = true;
    const badUpgrade = readUpgrade(head, kinds);
    if (badUpgrade !== undefined) return refuse(badUpgrade);
    if ((kinds & (1 << KNOWN.te)) !== 0) head.teTrailers = hasTrailersOption(head);
    removeKinds(head, head.upgradeProtocol === undefined ? HOP_BY_HOP_KINDS : HOP_BY_HOP_KINDS & ~(1 << KNOWN.upgrade));
  }
  if ((kinds & (1 << KNOWN.expect)) !== 0 && head.minorVersion === 1) {
    head.expectContinue = valueAt(head, findKind(head, KNOWN.expect)).toLowerCase() === "100-continue";
  }
  return next;
}
