// One request that tries to be read in two ways, or in none (RFC 9112 and what attackers made of it), and what such requests are written
// with. `@` in the text stands for the number of the case, so that the back end can say what came of it; a path /c@/x is one that must
// never be asked for on its own.

export interface HostileCase {
  readonly name: string;
  readonly bytes: string;
  /** Sent in pieces of this many bytes. */
  readonly pieces?: number;
  /** Where we are stricter than Envoy: why. We refuse, Envoy forwards. */
  readonly stricter?: string;
  /** Where we forward what Envoy does not, because nobody can read it in two ways: why. */
  readonly wider?: string;
  /** Both refuse, in other words: why. */
  readonly statusDiffers?: string;
}

/** Name, text, and what is to be said of it. */
export type HostileRow = readonly [string, string, Partial<HostileCase>?];

export const H = "Host: a.example";
export const CHUNKED = "Transfer-Encoding: chunked";
/** A request that would be smuggled behind another. */
export const INNER = `GET /c@/x HTTP/1.1\r\n${H}\r\n\r\n`;

/** The bytes of a case as they are sent. Numbers have three digits. */
export function bytesOf({ bytes }: HostileCase, number: number): Buffer {
  return Buffer.from(bytes.replaceAll("@", String(number)), "latin1");
}

/** Of a text that may hold the place of the number. */
export function lengthOf(text: string): number {
  return text.replaceAll("@", "100").length;
}

export function get(...lines: readonly string[]): string {
  return [`GET /c@ HTTP/1.1`, H, ...lines, "", ""].join("\r\n");
}

export function post(body: string, ...lines: readonly string[]): string {
  return [`POST /c@ HTTP/1.1`, H, ...lines, "", body].join("\r\n");
}

export function chunks(body: string, ...lines: readonly string[]): string {
  return post(body, CHUNKED, ...lines);
}

export function startLine(line: string, host = H): string {
  return `${line}\r\n${host}\r\n\r\n`;
}

export function one(name: string, bytes: string, more: Partial<HostileCase> = {}): HostileCase {
  return { name, bytes, ...more };
}

export function family(label: string, rows: readonly HostileRow[], make: (text: string) => string): HostileCase[] {
  return rows.map(([name, text, more]) => one(`${label}: ${name}`, make(text), more));
}

export const BARE_CR = "CR belongs before LF alone; Envoy takes it out and so changes what the line says";
export const FOLDING = "folded lines are obsolete (RFC 9112 5.2) and two parsers never fold them alike";
export const ONE_SPACE = "the parts of a request line are parted by one space each (RFC 9112 3)";
export const CHUNK_LINE = "a chunk's line is its size, then `;` or CRLF (RFC 9112 7.1): white space is where parsers part";
export const CHUNK_END = "chunk data ends with CRLF: other ends hide a second message";
export const EXTENSIONS = "chunk extensions have a limit and hold no control characters";
export const MANY_HOSTS = "an HTTP/1.1 request has one Host (RFC 9112 3.2): Envoy joins several with commas";
export const BAD_HOST = "Host is HOST or HOST:PORT: routing must not guess";
export const OTHER_VERSIONS = "Envoy answers 426 to whatever is not HTTP/1.1, we say what is wrong with it";
export const REFUSES_BARE_LF = "a line ends with CRLF; bare LF is what smuggling is made of (RFC 9112 2.2 leaves it to the recipient)";
export const ONE_CODING = "chunked stands once, alone, on one line: Envoy joins the lines and reads `chunked,` one way, `,chunked` another";
