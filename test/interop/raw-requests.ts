// Requests as bytes, for what no well-behaved client sends. What is compared: the status lines and headers of all responses, and
// whether the connection was closed.
import { connect } from "node:net";
import type { Endpoint } from "#agent/bootstrap";

export interface RawExchange {
  readonly statuses: readonly number[];
  /** Per response, in lower case, without values that belong to one moment. */
  readonly headers: readonly (readonly string[])[];
  readonly closed: boolean;
  /** What follows a 101. */
  readonly opaque: string;
  readonly text: string;
}

export interface RawCase {
  readonly name: string;
  readonly bytes: string;
  /** What Envoy answers. */
  readonly statuses: readonly number[];
  /** Elsewhere Envoy answers something else. */
  readonly only?: "gateway";
  /** What we answer where we differ on purpose, and why. */
  readonly ours?: { readonly statuses: readonly number[]; readonly because: string };
}

/** Longer than the second for which Envoy leaves a connection open after its last answer. */
const QUIET_MS = 2500;
const HOST = "Host: echo.default.svc.cluster.local";

/** Sends `bytes` and reads until the other side closes or is silent. */
export function rawExchange(to: Endpoint, bytes: string): Promise<RawExchange> {
  return new Promise((done) => {
    const socket = connect({ host: to.address, port: to.port });
    let text = "";
    const finish = (closed: boolean): void => {
      socket.destroy();
      done({ ...parse(text), closed, text: text.slice(0, 2000) });
    };
    socket.setTimeout(QUIET_MS, () => finish(false));
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("error", () => finish(true));
    socket.on("end", () => finish(true));
    socket.write(Buffer.from(bytes, "latin1"));
  });
}

function parse(text: string): Pick<RawExchange, "statuses" | "headers" | "opaque"> {
  const statuses: number[] = [];
  const headers: string[][] = [];
  for (const match of text.matchAll(/HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/g)) {
    statuses.push(Number(match[1]));
    const lines = (match[2] ?? "").split("\r\n").filter((line) => line !== "");
    headers.push(
      lines
        .map((line) =>
          line.replace(/^[^:]+/, (name) => name.toLowerCase()).replace(/^(date|x-envoy-upstream-service-time|content-length):.*/, "$1: *"),
        )
        .sort(),
    );
  }
  return { statuses, headers, opaque: statuses.includes(101) ? text.slice(text.indexOf("\r\n\r\n") + 4) : "" };
}

function get(path: string, ...lines: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, HOST, ...lines, "", ""].join("\r\n");
}

function post(body: string, ...lines: readonly string[]): string {
  return [`POST / HTTP/1.1`, HOST, ...lines, "", body].join("\r\n");
}

export const RAW_CASES: readonly RawCase[] = [
  { name: "keep-alive", bytes: get("/"), statuses: [200] },
  { name: "close", bytes: get("/", "Connection: close"), statuses: [200] },
  { name: "two requests in one write", bytes: get("/") + get("/match/exact"), statuses: [200, 200] },
  { name: "a local answer, then another request", bytes: get("/direct/text") + get("/"), statuses: [418, 200] },
  { name: "HTTP/1.0", bytes: `GET / HTTP/1.0\r\n${HOST}\r\n\r\n`, statuses: [426] },
  {
    name: "HTTP/2.3",
    bytes: `GET / HTTP/2.3\r\n${HOST}\r\n\r\n`,
    statuses: [426],
    ours: { statuses: [505], because: "RFC 9110 15.6.6 has a status for it" },
  },
  { name: "no host", bytes: "GET / HTTP/1.1\r\n\r\n", statuses: [400] },
  {
    name: "two hosts",
    only: "gateway",
    bytes: get("/", HOST),
    statuses: [400],
    ours: { statuses: [400], because: "RFC 9112 3.2 asks for it; Envoy joins the two and leaves the 400 to the application" },
  },
  {
    name: "an absolute form",
    bytes: `GET http://echo.default.svc.cluster.local/match/exact HTTP/1.1\r\nHost: other.example\r\n\r\n`,
    statuses: [200],
  },
  { name: "an asterisk", bytes: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n\r\n`, statuses: [404] },
  {
    name: "CONNECT",
    bytes: "CONNECT echo.default.svc.cluster.local:80 HTTP/1.1\r\nHost: echo.default.svc.cluster.local:80\r\n\r\n",
    statuses: [404],
  },
  { name: "a method that nobody knows", bytes: `BREW / HTTP/1.1\r\n${HOST}\r\n\r\n`, statuses: [400] },
  { name: "an empty request line", bytes: `\r\n${get("/")}`, statuses: [200] },
  { name: "nonsense", bytes: "what is this\r\n\r\n", statuses: [400] },
  { name: "a TLS hello", bytes: "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003", statuses: [400] },
  { name: "both lengths", bytes: post("0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), statuses: [400] },
  { name: "two lengths that differ", bytes: post("hello", "Content-Length: 5", "Content-Length: 6"), statuses: [400] },
  { name: "two lengths that agree", bytes: post("hello", "Content-Length: 5", "Content-Length: 5"), statuses: [400] },
  { name: "a length that is no number", bytes: post("hello", "Content-Length: +5"), statuses: [400] },
  { name: "an unknown transfer coding", bytes: post("", "Transfer-Encoding: gzip"), statuses: [501] },
  { name: "a bad chunk size", bytes: post("x\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), statuses: [400] },
  { name: "a space before a colon", bytes: get("/", "X-A : 1"), statuses: [400] },
  {
    name: "a folded header",
    bytes: get("/", "X-A: 1", " 2"),
    statuses: [200],
    ours: { statuses: [400], because: "two parsers may see two requests (RFC 9112 5.2)" },
  },
  { name: "a NUL in a header", bytes: get("/", "X-A: 1\u00002"), statuses: [400] },
  { name: "a header without a name", bytes: get("/", ": 1"), statuses: [400] },
  { name: "a header with an underscore", bytes: get("/", "x_a: 1"), statuses: [200] },
  { name: "bytes above 127 in a header", bytes: get("/", "X-A: \u00e4\u00f6"), statuses: [200] },
  { name: "a header that is too large", bytes: get("/", `X-A: ${"a".repeat(70_000)}`), statuses: [431] },
  { name: "101 headers", bytes: get("/", ...Array.from({ length: 101 }, (_, i) => `x-${i}: 1`)), statuses: [431] },
  {
    name: "chunks with an extension and a trailer",
    bytes: post("5;a=b\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n", "Transfer-Encoding: chunked"),
    statuses: [200],
  },
  { name: "Expect: 100-continue", bytes: post("hello", "Content-Length: 5", "Expect: 100-continue"), statuses: [100, 200] },
  { name: "another expectation", bytes: post("hello", "Content-Length: 5", "Expect: nothing"), statuses: [417] },
  { name: "early hints", bytes: get("/early-hints"), statuses: [103, 200] },
  { name: "a websocket", bytes: `${get("/ws", "Connection: Upgrade", "Upgrade: websocket")}a message`, statuses: [101] },
  {
    name: "a websocket that nobody serves",
    bytes: get("/", "Connection: Upgrade", "Upgrade: websocket"),
    statuses: [400],
    ours: { statuses: [400], because: "Envoy drops the body of an answer that refuses an upgrade; we pass it on" },
  },
  { name: "an upgrade to something else", bytes: get("/", "Connection: Upgrade", "Upgrade: chat"), statuses: [403] },
  { name: "a path with a space", bytes: get("/a b"), statuses: [400] },
  { name: "a bad percent encoding", bytes: get("/%zz"), statuses: [200] },
  { name: "an encoded NUL", bytes: get("/a%00b"), statuses: [400] },
  { name: "a fragment", bytes: get("/match/exact#x"), statuses: [400] },
];
