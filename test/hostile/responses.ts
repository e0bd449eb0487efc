// Responses that try to be read in two ways, or that answer more than they were asked.

export interface HostileResponse {
  readonly name: string;
  readonly bytes: string;
  /** Of the request; GET where nothing is said. */
  readonly method?: string;
  /** The request asks for a WebSocket. */
  readonly upgrade?: boolean;
  /** The connection ends behind the response. */
  readonly end?: boolean;
  /** We answer 502 to what Envoy passes on: why. */
  readonly stricter?: string;
  /** Both pass it on, not in the same words: why. */
  readonly otherwise?: string;
}

type Row = readonly [string, string, Omit<HostileResponse, "name" | "bytes">?];

const OK = "HTTP/1.1 200 OK\r\n";
/** A response that nobody asked for. */
const INNER = `${OK}Content-Length: 8\r\n\r\nsmuggled`;
const CHUNKED = "Transfer-Encoding: chunked";
const LENGTH = "Content-Length: 5\r\n\r\nhello";

const VERSIONS = "an answer is of HTTP/1.0 or HTTP/1.1";
const ONE_SPACE = "the parts of a status line are parted by one space each (RFC 9112 4)";
const BARE = "a line ends with CRLF: bare CR and LF are what splitting is made of";
const FOLDING = "folded lines are obsolete (RFC 9112 5.2)";
const CHUNK = "a chunk is its size, `;` or CRLF, its data, and CRLF (RFC 9112 7.1)";

const STATUS_LINES: readonly Row[] = [
  ["HTTP/0.9", "hello", { end: true }],
  ["HTTP/0.9 that looks like HTML", "<html>hello</html>\r\n\r\n", { end: true }],
  ["HTTP/2.0", `HTTP/2.0 200 OK\r\n${LENGTH}`, { stricter: VERSIONS }],
  ["HTTP/1.2", `HTTP/1.2 200 OK\r\n${LENGTH}`, { stricter: VERSIONS }],
  ["ICY", `ICY 200 OK\r\n${LENGTH}`],
  ["small letters", `http/1.1 200 OK\r\n${LENGTH}`],
  ["no reason", `HTTP/1.1 200 \r\n${LENGTH}`],
  ["no reason and no space", `HTTP/1.1 200\r\n${LENGTH}`],
  ["two spaces before the status", `HTTP/1.1  200 OK\r\n${LENGTH}`, { stricter: ONE_SPACE }],
  ["a tab before the status", `HTTP/1.1\t200 OK\r\n${LENGTH}`, { stricter: ONE_SPACE }],
  ["a status of two digits", `HTTP/1.1 20 OK\r\n${LENGTH}`],
  ["a status of four digits", `HTTP/1.1 2000 OK\r\n${LENGTH}`, { stricter: "a status has three digits" }],
  ["a status of 0", `HTTP/1.1 000 OK\r\n${LENGTH}`],
  ["a status of 99", `HTTP/1.1 099 OK\r\n${LENGTH}`],
  ["a negative status", `HTTP/1.1 -20 OK\r\n${LENGTH}`],
  ["a status in letters", `HTTP/1.1 OK 200\r\n${LENGTH}`],
  ["a NUL in the reason", `HTTP/1.1 200 O\0K\r\n${LENGTH}`],
  ["a bare CR in the reason", `HTTP/1.1 200 O\rK\r\n${LENGTH}`, { stricter: BARE }],
  ["a bare LF behind the status line", `HTTP/1.1 200 OK\n${LENGTH}`, { stricter: BARE }],
  ["an empty line first", `\r\n${OK}${LENGTH}`],
  ["a request", `GET /c@/x HTTP/1.1\r\nHost: a.example\r\n\r\n`],
  ["a status of 999", `HTTP/1.1 999 Odd\r\n${LENGTH}`],
];

const FRAMINGS: readonly Row[] = [
  ["two lengths that differ", `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  ["two lengths that agree", `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ["a list of lengths", `${OK}Content-Length: 5, 5\r\n\r\nhello`],
  ["a length with a plus", `${OK}Content-Length: +5\r\n\r\nhello`],
  ["a negative length", `${OK}Content-Length: -5\r\n\r\nhello`],
  ["a hexadecimal length", `${OK}Content-Length: 0x5\r\n\r\nhello`],
  ["an empty length", `${OK}Content-Length:\r\n\r\nhello`],
  ["a length over 64 bits", `${OK}Content-Length: 18446744073709551621\r\n\r\nhello`],
  ["a length with leading zeros", `${OK}Content-Length: 0005\r\n\r\nhello`],
  ["a length and a coding", `${OK}Content-Length: 5\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["a coding and a length", `${OK}${CHUNKED}\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["a coding and a length behind a space", `${OK}${CHUNKED}\r\nContent-Length : 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["an unknown coding", `${OK}Transfer-Encoding: cow\r\n\r\nhello`, { end: true }],
  ["gzip, chunked", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["chunked, identity", `${OK}Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["chunked twice", `${OK}${CHUNKED}\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  [
    "chunked in HTTP/1.0",
    `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    { stricter: "HTTP/1.0 does not know the field (RFC 9112 6.1)" },
  ],
  ["a response behind a length", `${OK}${LENGTH}${INNER}`],
  ["a response behind a length of 0", `${OK}Content-Length: 0\r\n\r\n${INNER}`],
  ["a response behind chunks", `${OK}${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n${INNER}`],
  ["garbage behind a length", `${OK}${LENGTH}\0\0\0`],
  ["a length cut by the end", `${OK}Content-Length: 9\r\n\r\nhello`, { end: true }],
  ["chunks cut by the end", `${OK}${CHUNKED}\r\n\r\n5\r\nhello\r\n`, { end: true }],
  ["a head cut by the end", `${OK}Content-Length: 5\r\n`, { end: true }],
  ["a body up to the end", `${OK}\r\nhello`, { end: true }],
  ["a body up to the end that holds a response", `${OK}\r\n${INNER}`, { end: true }],
];

const CHUNKS: readonly Row[] = [
  ["an extension", "5;a=b\r\nhello\r\n0\r\n\r\n"],
  ["an extension with a bare LF", "5;a\nhello\r\n0\r\n\r\n"],
  ["an extension with a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a space behind", "5 \r\nhello\r\n0\r\n\r\n", { stricter: CHUNK }],
  ["a size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a negative size", "-5\r\nhello\r\n0\r\n\r\n"],
  ["nothing behind the data", "5\r\nhello0\r\n\r\n", { otherwise: "what came before the fault has been passed on by then" }],
  ["LF behind the data", "5\r\nhello\n0\r\n\r\n", { stricter: CHUNK }],
  ["data longer than said", "4\r\nhello\r\n0\r\n\r\n", { stricter: CHUNK }],
  ["trailers that frame", "5\r\nhello\r\n0\r\nContent-Length: 1\r\n\r\n"],
  ["trailers with a bare LF", "5\r\nhello\r\n0\r\nX: 1\nY: 2\r\n\r\n", { stricter: BARE }],
];

const FIELDS: readonly Row[] = [
  ["a bare CR in a value", "X: 1\rSet-Cookie: a=b", { stricter: BARE }],
  ["a bare LF in a value", "X: 1\nSet-Cookie: a=b", { stricter: BARE }],
  ["a NUL in a value", "X: 1\x002"],
  ["a folded line", "X: 1\r\n 2", { stricter: FOLDING }],
  ["a space before the colon", "X : 1"],
  ["no colon", "XY"],
  ["no name", ": 1"],
  ["a byte over 127 in a name", "X\xe4: 1"],
  ["a value of 70 KB", `X: ${"a".repeat(70_000)}`, { stricter: "a head of a response has the limit that one of a request has" }],
  ["150 lines", Array.from({ length: 150 }, (_, i) => `x-${i}: 1`).join("\r\n")],
  ["a connection option that names the length", "Connection: Content-Length"],
  ["a connection option that names a cookie", "Connection: Set-Cookie\r\nSet-Cookie: a=b"],
  ["a pseudo header", ":status: 500"],
  ["Upgrade without 101", "Connection: Upgrade\r\nUpgrade: websocket"],
];

const STATUSES: readonly Row[] = [
  [
    "101 that nobody asked for",
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${INNER}`,
    { stricter: "what follows a 101 is hidden from whoever believes it" },
  ],
  ["101 with a length", `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${LENGTH}`, { upgrade: true }],
  [
    "101 in chunks",
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${CHUNKED}\r\n\r\n`,
    { upgrade: true },
  ],
  ["204 with a length", `HTTP/1.1 204 No Content\r\n${LENGTH}`],
  ["204 in chunks", `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["204 and a response behind", `HTTP/1.1 204 No Content\r\n\r\n${INNER}`],
  ["304 with a length and a body", `HTTP/1.1 304 Not Modified\r\n${LENGTH}`],
  ["304 with a length and none", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"],
  ["304 in chunks", `HTTP/1.1 304 Not Modified\r\n${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["100 with a length", `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n${OK}${LENGTH}`],
  ["100 and the response", `HTTP/1.1 100 Continue\r\n\r\n${OK}${LENGTH}`],
  ["103 and the response", `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}${LENGTH}`],
  [
    "199 and the response",
    `HTTP/1.1 199 Odd\r\n\r\n${OK}${LENGTH}`,
    { otherwise: "interim responses go on, known or not (RFC 9110 15.2)" },
  ],
  ["100 in chunks", `HTTP/1.1 100 Continue\r\n${CHUNKED}\r\n\r\n0\r\n\r\n${OK}${LENGTH}`],
  [
    "1000 interim responses",
    `${"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(1000)}${OK}${LENGTH}`,
    { stricter: "interim responses without end are not told of" },
  ],
  ["HEAD with a body", `${OK}${LENGTH}`, { method: "HEAD" }],
  ["HEAD in chunks with a body", `${OK}${CHUNKED}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, { method: "HEAD" }],
  ["HEAD and a response behind", `${OK}Content-Length: 5\r\n\r\n${INNER}`, { method: "HEAD" }],
];

function family(label: string, rows: readonly Row[], make: (text: string) => string): HostileResponse[] {
  return rows.map(([name, text, more]) => ({ name: `${label}: ${name}`, bytes: make(text), ...more }));
}

export const HOSTILE_RESPONSES: readonly HostileResponse[] = [
  ...family("a status line", STATUS_LINES, (text) => text),
  ...family("framing", FRAMINGS, (text) => text),
  ...family("chunks", CHUNKS, (body) => `${OK}${CHUNKED}\r\n\r\n${body}`),
  ...family("a field", FIELDS, (line) => `${OK}${line}\r\n${LENGTH}`),
  ...family("a status", STATUSES, (text) => text),
];
