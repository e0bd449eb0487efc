// Header names that the codec itself must understand, recognised by length and first byte before any comparison.

export const KNOWN = {
  removed: -1,
  other: 0,
  host: 1,
  connection: 2,
  keepAlive: 3,
  contentLength: 4,
  transferEncoding: 5,
  te: 6,
  upgrade: 7,
  expect: 8,
  proxyConnection: 9,
  http2Settings: 10,
  trailer: 11,
} as const;

/** Lines of these kinds concern one connection only (RFC 9110 7.6.1) and never go on as they came. */
export const HOP_BY_HOP_KINDS =
  (1 << KNOWN.connection) |
  (1 << KNOWN.keepAlive) |
  (1 << KNOWN.transferEncoding) |
  (1 << KNOWN.te) |
  (1 << KNOWN.upgrade) |
  (1 << KNOWN.proxyConnection) |
  (1 << KNOWN.http2Settings);

/** Lines that a trailer must not hold (RFC 9110 6.5.1): they are left out. */
export const NOT_IN_TRAILERS =
  HOP_BY_HOP_KINDS | (1 << KNOWN.host) | (1 << KNOWN.contentLength) | (1 << KNOWN.expect) | (1 << KNOWN.trailer);

const bytesOf = (name: string): Uint8Array => Uint8Array.from(name, (character) => character.charCodeAt(0));
const TE = bytesOf("te");
const HOST = bytesOf("host");
const EXPECT = bytesOf("expect");
const UPGRADE = bytesOf("upgrade");
const TRAILER = bytesOf("trailer");
const CONNECTION = bytesOf("connection");
const KEEP_ALIVE = bytesOf("keep-alive");
const CONTENT_LENGTH = bytesOf("content-length");
const HTTP2_SETTINGS = bytesOf("http2-settings");
const PROXY_CONNECTION = bytesOf("proxy-connection");
const TRANSFER_ENCODING = bytesOf("transfer-encoding");

function matches(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    // Only letters may differ in case: `\r` | 0x20 is `-`, but names are tokens already.
    if (byte !== name[i] && (byte < 0x41 || byte > 0x5a || (byte | 0x20) !== name[i])) return false;
  }
  return true;
}

export function knownHeader(bytes: Uint8Array, start: number, length: number): number {
  switch (length) {
    case 2:
      return matches(bytes, start, TE) ? KNOWN.te : KNOWN.other;
    case 4:
      return matches(bytes, start, HOST) ? KNOWN.host : KNOWN.other;
    case 6:
      return matches(bytes, start, EXPECT) ? KNOWN.expect : KNOWN.other;
    case 7:
      if (matches(bytes, start, UPGRADE)) return KNOWN.upgrade;
      return matches(bytes, start, TRAILER) ? KNOWN.trailer : KNOWN.other;
    case 10:
      if (matches(bytes, start, CONNECTION)) return KNOWN.connection;
      return matches(bytes, start, KEEP_ALIVE) ? KNOWN.keepAlive : KNOWN.other;
    case 14:
      if (matches(bytes, start, CONTENT_LENGTH)) return KNOWN.contentLength;
      return matches(bytes, start, HTTP2_SETTINGS) ? KNOWN.http2Settings : KNOWN.other;
    case 16:
      return matches(bytes, start, PROXY_CONNECTION) ? KNOWN.proxyConnection : KNOWN.other;
    case 17:
      return matches(bytes, start, TRANSFER_ENCODING) ? KNOWN.transferEncoding : KNOWN.other;
    default:
      return KNOWN.other;
  }
}
