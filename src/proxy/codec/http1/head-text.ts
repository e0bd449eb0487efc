// Texts that go out: start lines, framing lines and chunk framing. Pure; every character is below 256.
// Header lines themselves come from the header maps (`toHttp1`).

const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  510: "Not Extended",
  511: "Network Authentication Required",
};

// Status codes are 100 to 999: an array makes the line of each once.
const STATUS_LINES: string[] = [];
for (let status = 0; status < 1000; status++) STATUS_LINES.push(`HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`);

/** `HTTP/1.1 200 OK` and CRLF. Always our own version and reason (RFC 9110 2.5): the peer's are of its connection. */
export function statusLine(status: number): string {
  return STATUS_LINES[status]!;
}

export function reasonPhrase(status: number): string {
  return REASONS[status] ?? "Unknown";
}

export function requestLine(method: string, target: string): string {
  return `${method} ${target} HTTP/1.1\r\n`;
}

export const CHUNKED_LINE = "transfer-encoding: chunked\r\n";
export const NO_BODY_LINE = "content-length: 0\r\n";
export const CLOSE_LINE = "connection: close\r\n";
export const KEEP_ALIVE_LINE = "connection: keep-alive\r\n";
export const CONTINUE_HEAD = "HTTP/1.1 100 Continue\r\n\r\n";
/** Ends a chunked body without trailers. */
export const LAST_CHUNK = "0\r\n\r\n";

/** The line before a chunk's data; the data is followed by CRLF. */
export function chunkSizeLine(byteLength: number): string {
  return `${byteLength.toString(16)}\r\n`;
}

/** Ends a chunked body with trailers, given as lines that end with CRLF each. */
export function lastChunkWithTrailers(lines: string): string {
  return `0\r\n${lines}\r\n`;
}
