// What can be wrong with bytes that claim to be HTTP/1. Errors are values, made once: refusing garbage must be cheap.
// `details` are Envoy's response code details, so that access logs read alike.

export interface Http1Error {
  /** The answer to a client; of no meaning for responses (the client then gets 502). */
  readonly status: number;
  readonly details: string;
  /** For logs and the debugging of a peer. Never holds bytes of the message. */
  readonly message: string;
}

const error = (status: number, details: string, message: string): Http1Error => Object.freeze({ status, details, message });
const codec = (message: string): Http1Error => error(400, "http1.codec_error", message);
const characters = (message: string): Http1Error => error(400, "http1.invalid_characters", message);
const url = (message: string): Http1Error => error(400, "http1.invalid_url", message);

export const HTTP1_ERRORS = {
  // lines
  bareLf: codec("a line ends with LF alone: lines end with CRLF"),
  bareCr: codec("CR without LF"),
  obsFold: codec("a header line begins with white space (obsolete line folding)"),
  spaceBeforeColon: codec("white space between a header's name and its colon"),
  nameCharacter: characters("a header name holds a character that is not allowed"),
  valueCharacter: characters("a header value holds a control character"),
  noColon: codec("a header line has no colon"),
  emptyName: codec("a header line has no name"),
  headTooLarge: error(431, "http1.headers_too_large", "the head is larger than the limit"),
  tooManyHeaders: error(431, "http1.too_many_headers", "the head has more header lines than the limit"),
  // start lines
  requestLine: codec("the request line is not METHOD SP TARGET SP HTTP/x.y"),
  statusLine: codec("the status line is not HTTP/1.x SP CODE SP REASON"),
  method: codec("the method is not one that this proxy knows"),
  version: error(505, "http1.codec_error", "the version is neither HTTP/1.0 nor HTTP/1.1"),
  targetCharacter: url("the request target holds a character that is not allowed"),
  fragment: error(400, "path_normalization_failed", "the request target holds a fragment, which never belongs on the wire"),
  target: url("the request target has none of the forms of RFC 9112 3.2"),
  absoluteTarget: url("the request target is an absolute URL, which this listener does not accept"),
  httpsOnPlaintext: error(403, "http1.https_url_on_plaintext_connection", "an https URL came over a connection without TLS"),
  authority: url("the authority is not HOST or HOST:PORT"),
  noHost: error(400, "missing_host_header", "an HTTP/1.1 request has no Host"),
  connectionOptions: error(400, "http1.connection_header_rejected", "Connection names too many headers, or one that must stay"),
  manyHosts: codec("more than one Host"),
  badHost: codec("Host is not HOST or HOST:PORT"),
  // framing
  manyLengths: codec("more than one Content-Length"),
  badLength: codec("Content-Length is not a whole number in digits"),
  lengthAndEncoding: error(400, "http1.content_length_and_chunked_not_allowed", "both Content-Length and Transfer-Encoding"),
  unsupportedEncoding: error(501, "http1.invalid_transfer_encoding", "the only supported Transfer-Encoding is chunked, once"),
  encodingNotAllowed: error(400, "http1.transfer_encoding_not_allowed", "Transfer-Encoding must not stand in this message"),
  lengthNotAllowed: error(400, "http1.content_length_not_allowed", "Content-Length must not stand in this message"),
  chunkSize: codec("a chunk size is not a hexadecimal number that fits"),
  chunkExtension: codec("a chunk extension is too long or holds a control character"),
  chunkEnd: codec("chunk data is not followed by CRLF"),
  headTimeout: error(408, "request_header_timeout", "the head did not end in time"),
  trailersTooLarge: error(431, "http1.headers_too_large", "the trailers are larger than the limit"),
  tooManyTrailers: error(431, "http1.too_many_headers", "the trailers have more lines than the limit"),
  pipelineOverflow: codec("more pipelined bytes than the connection holds back"),
  // responses
  unexpectedUpgrade: codec("101 Switching Protocols without an upgrade in the request"),
  truncated: codec("the connection ended within a message"),
} as const satisfies Record<string, Http1Error>;
