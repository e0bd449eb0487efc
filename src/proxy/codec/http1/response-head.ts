// From scanned bytes to what a response means. As strict as for requests: an upstream that we read differently than the next hop reads
// us could smuggle responses.
import { CR, FIELD_VALUE, LF, SPACE } from "./characters.ts";
import { MAX_RESPONSE_OPTIONS, proxyConnectionCloses, readConnectionOptions } from "./connection-options.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { INCOMPLETE, LINE_KIND, REFUSED, findKind, removeKinds, scan, scanLines, valueAt } from "./head-scanner.ts";
import type { HeadLines } from "./head-scanner.ts";
import { HTTP1_ERRORS } from "./http1-error.ts";
import type { Http1Error } from "./http1-error.ts";
import { HOP_BY_HOP_KINDS, KNOWN } from "./known-header.ts";
import { countKind, parseLength, versionAt } from "./request-head.ts";

/** Reused by its parser: valid until the next head. */
export interface ResponseHead extends HeadLines, ConnectionOptions {
  status: number;
  minorVersion: 0 | 1;
  /** -1 without Content-Length. */
  contentLength: number;
  chunked: boolean;
  /** The `timeout` of Keep-Alive in seconds: how long the upstream says it keeps the connection; -1 when it does not say. */
  keepAliveTimeoutSeconds: number;
}

/** What the request allows of its response. */
export interface ResponseContext {
  /** HEAD: the framing headers tell of a body that does not come. */
  readonly headRequest: boolean;
  readonly connectRequest: boolean;
  readonly upgradeRequest: boolean;
}

export interface ResponseHeadLimits {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
}

let refusal: Http1Error = HTTP1_ERRORS.statusLine;
/** Why the last parse was refused. */
export function responseRefusal(): Http1Error {
  return refusal;
}
function refuse(error: Http1Error): number {
  refusal = error;
  return REFUSED;
}

function readFraming(head: ResponseHead, kinds: number, context: ResponseContext): Http1Error | undefined {
  const { status } = head;
  // RFC 9112 6.3: these never have a body, and RFC 9110 8.6 and RFC 9112 6.1 forbid the fields that would announce one.
  const bodiless = status < 200 || status === 204 || (context.connectRequest && status < 300);
  const hasLength = (kinds & (1 << KNOWN.contentLength)) !== 0;
  if ((kinds & (1 << KNOWN.transferEncoding)) !== 0) {
    if (head.minorVersion === 0 || bodiless) return HTTP1_ERRORS.encodingNotAllowed;
    if (hasLength) return HTTP1_ERRORS.lengthAndEncoding;
    if (countKind(head, KNOWN.transferEncoding) > 1 || valueAt(head, findKind(head, KNOWN.transferEncoding)).toLowerCase() !== "chunked") {
      return HTTP1_ERRORS.unsupportedEncoding;
    }
    head.chunked = true;
  } else if (hasLength) {
    if (countKind(head, KNOWN.contentLength) > 1) return HTTP1_ERRORS.manyLengths;
    const at = findKind(head, KNOWN.contentLength);
    head.contentLength = parseLength(valueAt(head, at));
    if (head.contentLength < 0) return HTTP1_ERRORS.badLength;
    if (bodiless) {
      // Envoy takes a harmless `content-length: 0` out and refuses the rest.
      if (head.contentLength > 0) return HTTP1_ERRORS.lengthNotAllowed;
      head.index[at + LINE_KIND] = KNOWN.removed;
      head.removed++;
    }
  }
  return undefined;
}

function readKeepAliveTimeout(head: ResponseHead): number {
  const value = valueAt(head, findKind(head, KNOWN.keepAlive)).toLowerCase();
  for (const parameter of value.split(",")) {
    const text = parameter.trim();
    if (text.startsWith("timeout=")) return parseLength(text.slice(8));
  }
  return -1;
}

/** Returns the position behind the head, INCOMPLETE, or REFUSED with `responseRefusal()`. */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
  limits: ResponseHeadLimits,
  context: ResponseContext,
): number {
  // Status line: HTTP/1.x SP 3DIGIT [SP REASON] CRLF. Many servers leave the space out when they have no reason.
  if (end - start < 13) {
    if (end > start && bytes[start] !== 0x48) return refuse(HTTP1_ERRORS.statusLine);
    return INCOMPLETE;
  }
  const version = versionAt(bytes, start);
  const hundreds = bytes[start + 9]! - 0x30;
  const tens = bytes[start + 10]! - 0x30;
  const ones = bytes[start + 11]! - 0x30;
  if (version === -1 || bytes[start + 8] !== SPACE) return refuse(HTTP1_ERRORS.statusLine);
  if (version === 2) return refuse(HTTP1_ERRORS.version);
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return refuse(HTTP1_ERRORS.statusLine);
  let i = start + 12;
  if (bytes[i] === SPACE) {
    do i++;
    while (i < end && FIELD_VALUE[bytes[i]!] === 1);
  }
  if (i + 1 >= end) return INCOMPLETE;
  if (bytes[i] !== CR) return refuse(bytes[i] === LF ? HTTP1_ERRORS.bareLf : HTTP1_ERRORS.statusLine);
  if (bytes[i + 1] !== LF) return refuse(HTTP1_ERRORS.bareCr);

  const next = scanLines(bytes, i + 2, end, start, limits.maxHeaders, head);
  if (next === INCOMPLETE) return INCOMPLETE;
  if (next === REFUSED) return refuse(scan.error);
  if (next - start > limits.maxHeadBytes) return refuse(HTTP1_ERRORS.headTooLarge);
  const kinds = scan.kinds;

  head.text = bytes.toString("latin1", start, next - 2);
  head.status = hundreds * 100 + tens * 10 + ones;
  head.minorVersion = version === 0 ? 0 : 1;
  head.contentLength = -1;
  head.chunked = false;
  head.close = false;
  head.keepAlive = false;
  head.upgrade = false;
  head.keepAliveTimeoutSeconds = -1;
  if (head.status === 101 && !context.upgradeRequest) return refuse(HTTP1_ERRORS.unexpectedUpgrade);
  const error = readFraming(head, kinds, context);
  if (error !== undefined) return refuse(error);
  if ((kinds & HOP_BY_HOP_KINDS) !== 0) {
    if ((kinds & (1 << KNOWN.connection)) !== 0 && !readConnectionOptions(head, head, MAX_RESPONSE_OPTIONS))
      return refuse(HTTP1_ERRORS.connectionOptions);
    if ((kinds & (1 << KNOWN.proxyConnection)) !== 0 && proxyConnectionCloses(head)) head.close = true;
    if ((kinds & (1 << KNOWN.keepAlive)) !== 0) head.keepAliveTimeoutSeconds = readKeepAliveTimeout(head);
    removeKinds(head, head.status === 101 ? HOP_BY_HOP_KINDS & ~(1 << KNOWN.upgrade) : HOP_BY_HOP_KINDS);
  }
  return next;
}
