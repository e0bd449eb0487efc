// Requests that try to be read in two ways, or in none (RFC 9112 and what attackers made of it). `@` in the text stands for the number of
// the case, so that the back end can say what came of it; a path /c@/x is one that must never be asked for on its own.

export interface HostileCase {
  readonly name: string;
  readonly bytes: string;
  /** Sent in pieces of this many bytes. */
  readonly pieces?: number;
  /** Where we are stricter than Envoy: why. We refuse, Envoy forwards. */
  readonly stricter?: string;
  /** Both refuse, in other words: why. */
  readonly statusDiffers?: string;
}

const H = "Host: a.example";
const CHUNKED = "Transfer-Encoding: chunked";
/** A request that would be smuggled behind another. */
const INNER = `GET /c@/x HTTP/1.1\r\n${H}\r\n\r\n`;

function get(...lines: readonly string[]): string {
  return [`GET /c@ HTTP/1.1`, H, ...lines, "", ""].join("\r\n");
}

function post(body: string, ...lines: readonly string[]): string {
  return [`POST /c@ HTTP/1.1`, H, ...lines, "", body].join("\r\n");
}

function chunks(body: string, ...lines: readonly string[]): string {
  return post(body, CHUNKED, ...lines);
}

function startLine(line: string, host = H): string {
  return `${line}\r\n${host}\r\n\r\n`;
}

function one(name: string, bytes: string, more: Partial<HostileCase> = {}): HostileCase {
  return { name, bytes, ...more };
}

const BARE_CR = "CR belongs before LF alone; Envoy takes it out and so changes what the line says";
const FOLDING = "folded lines are obsolete (RFC 9112 5.2) and two parsers never fold them alike";
const ONE_SPACE = "the parts of a request line are parted by one space each (RFC 9112 3)";
const CHUNK_LINE = "a chunk's line is its size, then `;` or CRLF (RFC 9112 7.1): white space is where parsers part";
const CHUNK_END = "chunk data ends with CRLF: other ends hide a second message";
const EXTENSIONS = "chunk extensions have a limit and hold no control characters";
const MANY_HOSTS = "an HTTP/1.1 request has one Host (RFC 9112 3.2): Envoy joins several with commas";
const BAD_HOST = "Host is HOST or HOST:PORT: routing must not guess";
const OTHER_VERSIONS = "Envoy answers 426 to whatever is not HTTP/1.1, we say what is wrong with it";
const REFUSES_BARE_LF = "a line ends with CRLF; bare LF is what smuggling is made of (RFC 9112 2.2 leaves it to the recipient)";

/** Transfer-Encoding in all its disguises, before a body that hides a request. */
const ENCODINGS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["xchunked", "Transfer-Encoding: xchunked"],
  ["chunked with x behind", "Transfer-Encoding: chunkedx"],
  ["a space before the colon", "Transfer-Encoding : chunked"],
  ["a tab before the colon", "Transfer-Encoding\t: chunked"],
  ["a tab behind the colon", "Transfer-Encoding:\tchunked"],
  ["a vertical tab", "Transfer-Encoding:\vchunked"],
  ["a form feed", "Transfer-Encoding: \fchunked"],
  ["a space before the name", " Transfer-Encoding: chunked"],
  ["folded", "Transfer-Encoding:\r\n chunked", { stricter: FOLDING }],
  ["hidden behind a bare LF", "X: y\nTransfer-Encoding: chunked", { stricter: REFUSES_BARE_LF }],
  ["hidden behind a bare CR", "X: y\rTransfer-Encoding: chunked", { stricter: BARE_CR }],
  ["a NUL behind", "Transfer-Encoding: chunked\0"],
  ["a no-break space", "Transfer-Encoding:\xa0chunked"],
  ["in quotes", 'Transfer-Encoding: "chunked"'],
  ["in single quotes", "Transfer-Encoding: 'chunked'"],
  ["identity", "Transfer-Encoding: identity"],
  ["identity, chunked", "Transfer-Encoding: identity, chunked"],
  ["chunked, identity", "Transfer-Encoding: chunked, identity"],
  ["gzip, chunked", "Transfer-Encoding: gzip, chunked"],
  ["chunked, chunked", "Transfer-Encoding: chunked, chunked"],
  ["chunked and a comma", "Transfer-Encoding: chunked,"],
  ["a comma and chunked", "Transfer-Encoding: ,chunked"],
  ["with a parameter", "Transfer-Encoding: chunked;a=b"],
  ["empty", "Transfer-Encoding:"],
  ["two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
  ["two lines, the second unknown", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow"],
  ["two lines, the first unknown", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked"],
  ["in capitals", "TRANSFER-ENCODING: CHUNKED"],
  ["with an underscore", "Transfer_Encoding: chunked"],
  ["with a trailing space", "Transfer-Encoding: chunked "],
];

const LENGTHS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["a plus", "Content-Length: +5"],
  ["a minus", "Content-Length: -5"],
  ["minus zero", "Content-Length: -0"],
  ["hexadecimal", "Content-Length: 0x5"],
  ["an exponent", "Content-Length: 5e0"],
  ["a fraction", "Content-Length: 5.0"],
  ["leading zeros", "Content-Length: 0005"],
  ["a list that agrees", "Content-Length: 5, 5"],
  ["a list that does not", "Content-Length: 5, 6"],
  ["a comma behind", "Content-Length: 5,"],
  ["a space within", "Content-Length: 5 5"],
  ["empty", "Content-Length:"],
  ["two that agree", "Content-Length: 5\r\nContent-Length: 5"],
  ["two that do not", "Content-Length: 5\r\nContent-Length: 0"],
  ["two in other cases", "Content-Length: 5\r\ncontent-length: 6"],
  ["over 64 bits", "Content-Length: 18446744073709551621"],
  ["over 53 bits", "Content-Length: 9007199254740993", { stricter: "a length that a number cannot hold exactly is no length" }],
  ["a NUL behind", "Content-Length: 5\0"],
  ["a letter behind", "Content-Length: 5a"],
  ["folded", "Content-Length:\r\n 5", { stricter: FOLDING }],
  ["a space before the colon", "Content-Length : 5"],
  ["a tab in front", "Content-Length:\t5"],
  ["an underscore", "Content_Length: 5"],
  ["arabic digits", "Content-Length: \xd9\xa5"],
];

const CHUNKS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["well formed", "5\r\nhello\r\n0\r\n\r\n"],
  ["in capitals", "A\r\n0123456789\r\n0\r\n\r\n"],
  ["leading zeros", "0005\r\nhello\r\n0\r\n\r\n"],
  ["many leading zeros", `${"0".repeat(400)}5\r\nhello\r\n0\r\n\r\n`, { stricter: "sixteen digits hold every size there is" }],
  ["a size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a size of 2^63", "8000000000000000\r\nhello\r\n0\r\n\r\n", { stricter: "a size that a number cannot hold exactly is no size" }],
  ["a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a negative size", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a plus before the size", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a space before the size", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a space behind the size", "5 \r\nhello\r\n0\r\n\r\n", { stricter: CHUNK_LINE }],
  ["a tab behind the size", "5\t\r\nhello\r\n0\r\n\r\n", { stricter: CHUNK_LINE }],
  ["an underscore in the size", "0_5\r\nhello\r\n0\r\n\r\n"],
  ["no size", "\r\nhello\r\n0\r\n\r\n"],
  ["only a semicolon", ";\r\nhello\r\n0\r\n\r\n"],
  ["LF behind the size", "5\nhello\r\n0\r\n\r\n"],
  ["CR alone behind the size", "5\rhello\r\n0\r\n\r\n"],
  ["CR CR LF behind the size", "5\r\r\nhello\r\n0\r\n\r\n"],
  ["LF behind the data", "5\r\nhello\n0\r\n\r\n", { stricter: CHUNK_END }],
  ["nothing behind the data", "5\r\nhello0\r\n\r\n"],
  ["two bytes of something behind the data", "5\r\nhelloXX0\r\n\r\n"],
  ["data shorter than said", "6\r\nhello\r\n0\r\n\r\n", { stricter: CHUNK_END }],
  ["an extension", "5;a=b\r\nhello\r\n0\r\n\r\n"],
  ["an extension in quotes", '5;a="b;c"\r\nhello\r\n0\r\n\r\n'],
  ["an extension with a bare LF", "5;a\nGET /c@/x HTTP/1.1\r\nhello\r\n0\r\n\r\n"],
  ["an extension with a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["an extension with a NUL", "5;a\0b\r\nhello\r\n0\r\n\r\n", { stricter: EXTENSIONS }],
  ["an extension of 100 KB", `5;${"a".repeat(100_000)}\r\nhello\r\n0\r\n\r\n`, { stricter: EXTENSIONS }],
  ["a semicolon alone", "5;\r\nhello\r\n0\r\n\r\n"],
  ["an extension at the last chunk", "5\r\nhello\r\n0;a=b\r\n\r\n"],
  ["a space and an extension", "5 ;a=b\r\nhello\r\n0\r\n\r\n", { stricter: CHUNK_LINE }],
  ["LF after the last chunk", "5\r\nhello\r\n0\n\n"],
  ["LF at the very end", "5\r\nhello\r\n0\r\n\n", { stricter: REFUSES_BARE_LF }],
  ["00 as the last chunk", "5\r\nhello\r\n00\r\n\r\n"],
  ["trailers", "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"],
  ["trailers that frame", "5\r\nhello\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["trailers that name a host", "5\r\nhello\r\n0\r\nHost: b.example\r\n\r\n"],
  ["trailers with a bare LF", `5\r\nhello\r\n0\r\nX: 1\nY: 2\r\n\r\n`, { stricter: REFUSES_BARE_LF }],
  ["folded trailers", "5\r\nhello\r\n0\r\nX: 1\r\n 2\r\n\r\n", { stricter: FOLDING }],
  ["trailers without a colon", "5\r\nhello\r\n0\r\nGET /c@/x HTTP/1.1\r\n\r\n"],
  ["a trailer of 200 KB", `5\r\nhello\r\n0\r\nX: ${"a".repeat(200_000)}\r\n\r\n`],
  ["300 trailers", `5\r\nhello\r\n0\r\n${"X: 1\r\n".repeat(300)}\r\n`, { stricter: "trailers have the limit that headers have" }],
];

const FIELDS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["a NUL in a name", "X\0Y: 1"],
  ["a NUL in a value", "X: 1\x002"],
  ["a bell in a value", "X: 1\x072"],
  ["DEL in a value", "X: 1\x7f2"],
  ["a bare CR in a value", "X: 1\r2", { stricter: BARE_CR }],
  ["a bare LF in a value", "X: 1\n2"],
  ["a bare LF that ends a line", "X: 1\nY: 2", { stricter: REFUSES_BARE_LF }],
  ["a folded line", "X: 1\r\n\t2", { stricter: FOLDING }],
  ["a space before the colon", "X : 1"],
  ["a space within a name", "X Y: 1"],
  ["a name in brackets", "X(a): 1"],
  ["a name with a slash", "X/Y: 1"],
  ["a name with a byte over 127", "X\xe4: 1"],
  ["no colon", "XY"],
  ["no name", ": 1"],
  ["only a colon", ":"],
  ["an empty value", "X:"],
  ["a name of 70 KB", `${"X".repeat(70_000)}: 1`],
  ["a value of 70 KB", `X: ${"a".repeat(70_000)}`],
  ["150 lines", Array.from({ length: 150 }, (_, i) => `x-${i}: 1`).join("\r\n")],
  ["a pseudo header", ":authority: b.example"],
  ["a path pseudo header", ":path: /c@/x"],
];

const STARTS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["HTTP/0.9", "GET /c@\r\n", { statusDiffers: OTHER_VERSIONS }],
  ["HTTP/0.9 with lines behind", `GET /c@\r\n${H}\r\n\r\n`, { statusDiffers: OTHER_VERSIONS }],
  ["HTTP/1.2", startLine("GET /c@ HTTP/1.2"), { statusDiffers: OTHER_VERSIONS }],
  ["HTTP/1.10", startLine("GET /c@ HTTP/1.10")],
  ["HTTP/11", startLine("GET /c@ HTTP/11")],
  ["HTTP/2.0", startLine("GET /c@ HTTP/2.0"), { statusDiffers: OTHER_VERSIONS }],
  ["HTTP/01.1", startLine("GET /c@ HTTP/01.1")],
  ["http/1.1", startLine("GET /c@ http/1.1")],
  ["HTTP 1.1", startLine("GET /c@ HTTP 1.1")],
  ["ICE/1.0", startLine("GET /c@ ICE/1.0")],
  ["no version", startLine("GET /c@ "), { statusDiffers: OTHER_VERSIONS }],
  ["something behind the version", startLine("GET /c@ HTTP/1.1x")],
  ["a space behind the version", startLine("GET /c@ HTTP/1.1 "), { stricter: ONE_SPACE }],
  ["two spaces before the target", startLine("GET  /c@ HTTP/1.1"), { stricter: ONE_SPACE }],
  ["two spaces before the version", startLine("GET /c@  HTTP/1.1"), { stricter: ONE_SPACE }],
  ["a tab before the target", startLine("GET\t/c@ HTTP/1.1"), { stricter: ONE_SPACE }],
  ["a space before the method", startLine(" GET /c@ HTTP/1.1")],
  ["a method in small letters", startLine("get /c@ HTTP/1.1")],
  ["a method with a colon", startLine("GET: /c@ HTTP/1.1")],
  ["a method that is no token", startLine("G<T /c@ HTTP/1.1")],
  ["a method of 10 KB", startLine(`${"G".repeat(10_000)} /c@ HTTP/1.1`)],
  ["a NUL in the target", startLine("GET /c@\0x HTTP/1.1")],
  ["a byte over 127 in the target", startLine("GET /c@\xe4 HTTP/1.1")],
  ["a bare LF behind the request line", `GET /c@ HTTP/1.1\n${H}\r\n\r\n`, { stricter: REFUSES_BARE_LF }],
  ["a bare CR behind the request line", `GET /c@ HTTP/1.1\r${H}\r\n\r\n`],
  ["bare LF everywhere", `GET /c@ HTTP/1.1\n${H}\n\n`, { stricter: REFUSES_BARE_LF }],
  [
    "empty lines first",
    `\r\n\r\n\r\nGET /c@ HTTP/1.1\r\n${H}\r\n\r\n`,
    { stricter: "one empty line before a request is tolerated (RFC 9112 2.2), not any number" },
  ],
  ["a bare LF first", `\nGET /c@ HTTP/1.1\r\n${H}\r\n\r\n`, { stricter: REFUSES_BARE_LF }],
  ["a target of 70 KB", startLine(`GET /c@${"a".repeat(70_000)} HTTP/1.1`)],
  ["an asterisk with GET", startLine("GET * HTTP/1.1")],
  ["a target without a slash", startLine("GET c@ HTTP/1.1")],
  ["a target of two slashes", startLine("GET //b.example/c@ HTTP/1.1")],
  ["a backslash", startLine("GET \\c@ HTTP/1.1")],
  ["an absolute target of another scheme", startLine("GET ftp://a.example/c@ HTTP/1.1")],
  ["an absolute target without a host", startLine("GET http:///c@ HTTP/1.1")],
  ["an absolute target with userinfo", startLine("GET http://u@a.example/c@ HTTP/1.1")],
  ["an absolute target, another Host", startLine("GET http://a.example/c@ HTTP/1.1", "Host: b.example")],
  ["an absolute target of https", startLine("GET https://a.example/c@ HTTP/1.1")],
  ["an absolute target with a bad port", startLine("GET http://a.example:99999/c@ HTTP/1.1")],
  [
    "an absolute target, no Host",
    "GET http://a.example/c@ HTTP/1.1\r\n\r\n",
    { stricter: "an HTTP/1.1 request without Host gets 400 in whatever form (RFC 9112 3.2)" },
  ],
  ["a target with CRLF in percent", startLine("GET /c@%0d%0aX:%201 HTTP/1.1")],
  ["CONNECT with a path", startLine("CONNECT /c@ HTTP/1.1")],
  ["CONNECT with a body", `CONNECT a.example:80 HTTP/1.1\r\n${H}\r\nContent-Length: 5\r\n\r\nhello`],
  ["TRACE", startLine("TRACE /c@ HTTP/1.1")],
  ["a TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"],
  ["a whole TLS hello of zeros", `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${"\0".repeat(300)}`],
  ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["SMTP", "EHLO a.example\r\n"],
  ["zeros", "\0".repeat(64)],
  ["Redis", "*1\r\n$4\r\nPING\r\n"],
];

const HOSTS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["none", ""],
  ["empty", "Host:\r\n", { stricter: "an empty Host names nobody: no route could be meant" }],
  ["two that agree", `${H}\r\n${H}\r\n`, { stricter: MANY_HOSTS }],
  ["two that do not", `${H}\r\nHost: b.example\r\n`, { stricter: MANY_HOSTS }],
  ["two, in other cases", `${H}\r\nhOST: b.example\r\n`, { stricter: MANY_HOSTS }],
  ["a list", "Host: a.example, b.example\r\n"],
  ["a path", "Host: a.example/c@\r\n"],
  ["userinfo", "Host: u@a.example\r\n"],
  ["a space", "Host: a.example b\r\n"],
  ["a bad port", "Host: a.example:80x\r\n", { stricter: BAD_HOST }],
  ["two ports", "Host: a.example:80:80\r\n", { stricter: BAD_HOST }],
  ["a big port", "Host: a.example:99999\r\n", { stricter: BAD_HOST }],
  ["an IPv6 literal", "Host: [::1]:80\r\n"],
  ["half an IPv6 literal", "Host: [::1\r\n", { stricter: BAD_HOST }],
  ["a NUL", "Host: a\0.example\r\n"],
  ["a byte over 127", "Host: \xe4.example\r\n"],
  ["a query", "Host: a.example?x\r\n"],
  ["a fragment", "Host: a.example#x\r\n"],
  ["a backslash", "Host: a.example\\b\r\n"],
  ["folded", "Host:\r\n a.example\r\n", { stricter: FOLDING }],
  ["a space before the colon", "Host : a.example\r\n"],
];

const OPTIONS: readonly (readonly [string, string, Partial<HostileCase>?])[] = [
  ["h2c", get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")],
  [
    "h2c with a body",
    post("hello", "Content-Length: 5", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
  ],
  ["h2c and websocket", get("Connection: Upgrade", "Upgrade: h2c, websocket")],
  ["an upgrade without the option", get("Upgrade: websocket")],
  ["the option without an upgrade", get("Connection: Upgrade")],
  ["an upgrade to an unknown protocol", get("Connection: Upgrade", "Upgrade: nothing/1")],
  ["an upgrade in HTTP/1.0", `GET /c@ HTTP/1.0\r\n${H}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ["a connection option that names Host", get("Connection: Host")],
  ["a connection option that names the length", post("hello", "Content-Length: 5", "Connection: Content-Length")],
  ["a connection option that names the coding", chunks("5\r\nhello\r\n0\r\n\r\n", "Connection: Transfer-Encoding")],
  ["a connection option that names a forwarding header", get("X-Forwarded-For: 1.2.3.4", "Connection: X-Forwarded-For")],
  ["a connection option that names authorization", get("Authorization: x", "Connection: close, Authorization")],
  ["a connection option that is no token", get("Connection: a b, (c)")],
  ["1000 connection options", get(`Connection: ${Array.from({ length: 1000 }, (_, i) => `o${i}`).join(",")}`)],
  ["TE: chunked", get("TE: chunked")],
  ["a body after Connection: close", `${get("Connection: close")}${INNER}`],
  [
    "HTTP/1.0 and chunked",
    `POST /c@ HTTP/1.0\r\n${H}\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    { statusDiffers: "a message that HTTP/1.0 cannot have is refused before its version is" },
  ],
  ["Expect: 100-continue without a body", get("Expect: 100-continue")],
];

const CL_TE = "0\r\n\r\n" + INNER;

function family(
  label: string,
  rows: readonly (readonly [string, string, Partial<HostileCase>?])[],
  make: (text: string) => string,
): HostileCase[] {
  return rows.map(([name, text, more]) => one(`${label}: ${name}`, make(text), more));
}

export const HOSTILE_CASES: readonly HostileCase[] = [
  one("CL.TE: both, the length first", post(CL_TE, `Content-Length: ${CL_TE.length}`, CHUNKED)),
  one("CL.TE: both, the coding first", post(CL_TE, CHUNKED, `Content-Length: ${CL_TE.length}`)),
  one("TE.CL: a short length", post("24\r\nGET /c@/x HTTP/1.1\r\nHost: a.example\r\n\r\n0\r\n\r\n", "Content-Length: 4", CHUNKED)),
  one("0.CL: GET with a length of 0 and more behind", get("Content-Length: 0") + INNER),
  one("0.CL: GET with a body", get(`Content-Length: ${INNER.length}`) + INNER),
  one("CL.0: POST without a length and more behind", post("") + INNER),
  one("CL.0: OPTIONS with a body", `OPTIONS /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`),
  one("CL.0: HEAD with a body", `HEAD /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`),
  one("CL.0: DELETE with a body", `DELETE /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`),
  one("TE.0: OPTIONS in chunks", `OPTIONS /c@ HTTP/1.1\r\n${H}\r\n${CHUNKED}\r\n\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`),
  one("pipelined, both honest", get() + INNER),
  one("pipelined garbage", `${get()}\0\0\0\0`),
  one("pipelined, the second ambiguous", get() + post("0\r\n\r\n", "Content-Length: 5", CHUNKED)),
  ...family("TE.TE", ENCODINGS, (line) => post("5\r\nhello\r\n0\r\n\r\n", line)),
  // With a length beside it Envoy refuses all of them but the bare CR.
  ...family("CL.TE with a disguise", ENCODINGS, (line) => post(CL_TE, `Content-Length: ${CL_TE.length}`, line)).map(
    ({ stricter, ...row }) => (stricter === BARE_CR ? { ...row, stricter } : row),
  ),
  ...family("Content-Length", LENGTHS, (line) => post("hello", line)),
  ...family("chunks", CHUNKS, (body) => chunks(body)),
  ...family("a field", FIELDS, (line) => get(line)),
  ...family("a start line", STARTS, (text) => text),
  ...family("Host", HOSTS, (lines) => `GET /c@ HTTP/1.1\r\n${lines}\r\n`),
  ...family("options", OPTIONS, (text) => text),
  one("a head byte by byte", get("X: 1"), { pieces: 1 }),
  one("a chunked body byte by byte", chunks("5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n"), { pieces: 1 }),
  one("a CL.TE byte by byte", post(CL_TE, `Content-Length: ${CL_TE.length}`, CHUNKED), { pieces: 1 }),
  one("a large head in pieces of 50", get(`X: ${"a".repeat(20_000)}`), { pieces: 500 }),
  one("a head over the limit in pieces", get(`X: ${"a".repeat(100_000)}`), { pieces: 5000 }),
];
