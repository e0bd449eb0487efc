import { describe, it } from "node:test";
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createRequestParser } from "./request-parser.ts";
import { valueAt, LINE_KIND, LINE_SLOTS, LINE_START, NAME_END } from "./head-scanner.ts";
import type { HeadLines } from "./head-scanner.ts";
import { KNOWN } from "./known-header.ts";
import type { RequestHeadLimits } from "./request-head.ts";

const LIMITS: RequestHeadLimits = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  allowAbsoluteUrl: true,
  scheme: "http",
  validateScheme: true,
};

interface Seen {
  method: string;
  path: string;
  authority: string;
  headers: string[];
  body: string;
  trailers: string[];
  complete: boolean;
  upgrade: string | undefined;
  keepAlive: boolean;
  expectContinue: boolean;
}

function visible(lines: HeadLines): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.lineCount; i++) {
    const at = lines.base + i * LINE_SLOTS;
    if (lines.index[at + LINE_KIND] === KNOWN.removed) continue;
    out.push(`${lines.text.slice(lines.index[at + LINE_START], lines.index[at + NAME_END])}: ${valueAt(lines, at)}`);
  }
  return out;
}

/** Feeds the pieces one by one; poisons each behind the parser's back. */
function run(
  pieces: readonly Buffer[],
  limits = LIMITS,
): { requests: Seen[]; error: { status: number; details: string } | undefined; idle: boolean } {
  const requests: Seen[] = [];
  const last = (): Seen => requests[requests.length - 1]!;
  const parser = createRequestParser(
    {
      onRequestHead(head, endStream) {
        requests.push({
          method: head.method,
          path: head.path,
          authority: head.authority,
          headers: visible(head),
          body: "",
          trailers: [],
          complete: endStream,
          upgrade: head.upgradeProtocol,
          keepAlive: !head.close && (head.minorVersion === 1 || head.keepAlive),
          expectContinue: head.expectContinue,
        });
      },
      onBody(chunk, start, end, isLast) {
        assert.ok(!last().complete, "no data after the end");
        last().body += chunk.toString("latin1", start, end);
        last().complete = isLast;
      },
      onBodyEnd() {
        assert.ok(!last().complete, "one end only");
        last().complete = true;
      },
      onTrailers(lines) {
        assert.ok(!last().complete, "one end only");
        last().trailers = visible(lines);
        last().complete = true;
      },
    },
    limits,
  );
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    let position = 0;
    let stalls = 0;
    while (position < bytes.length && parser.error === undefined) {
      const consumed = parser.execute(bytes, position, bytes.length);
      stalls = consumed === 0 ? stalls + 1 : 0;
      assert.ok(stalls < 2, "the parser must go on or fail");
      position += consumed;
    }
    bytes.fill(0x58);
  }
  return { requests, error: parser.error, idle: parser.idle };
}

const whole = (text: string, limits = LIMITS): ReturnType<typeof run> => run([Buffer.from(text, "latin1")], limits);

function assertSplitInvariant(text: string, limits = LIMITS): void {
  const bytes = Buffer.from(text, "latin1");
  const expected = run([bytes], limits);
  for (let i = 1; i < bytes.length; i++) {
    assert.deepEqual(run([bytes.subarray(0, i), bytes.subarray(i)], limits), expected, `split at ${i}`);
  }
  assert.deepEqual(
    run(
      Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
      limits,
    ),
    expected,
    "byte by byte",
  );
}

const VALID: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "\r\nGET /x?y=z HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\nX-Tab:\t v \t\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext="v"\r\n world\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n',
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
  "GET http://b:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "GET / HTTP/1.0\r\nConnection: keep-alive\r\nHost: [::1]:8080\r\n\r\n",
  "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Drop\r\nX-Drop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: keep-alive\r\nX-Keep: 2\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nok",
  "PROPFIND /caf%C3%A9 HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n",
];

describe("https URLs over connections without TLS", () => {
  it("are taken where somebody in front may have ended it", () => {
    const text = request("GET https://a/x HTTP/1.1", "Host: a");
    assert.equal(whole(text).error?.status, 403);
    assert.equal(whole(text, { ...LIMITS, validateScheme: false }).requests[0]?.path, "/x");
  });
});

describe("request parser: valid requests", () => {
  for (const text of VALID) {
    it(`gives the same events wherever the bytes are split: ${JSON.stringify(text.slice(0, 50))}`, () => {
      assert.equal(whole(text).error, undefined);
      assertSplitInvariant(text);
    });
  }

  it("stops behind each message and reads pipelined ones in order", () => {
    const { requests } = whole(VALID[3]!);
    assert.deepEqual(
      requests.map(({ path, body, complete }) => [path, body, complete]),
      [
        ["/", "hello world", true],
        ["/2", "", true],
      ],
    );
  });

  it("takes the authority of an absolute target over Host", () => {
    assert.equal(whole(VALID[5]!).requests[0]!.authority, "b:81");
    assert.equal(whole(VALID[5]!).requests[0]!.path, "/p?q");
  });

  it("gives OPTIONS for a whole server the path *", () => {
    assert.equal(whole("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").requests[0]!.path, "*");
    assert.equal(whole("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n").requests[0]!.path, "/?x");
  });

  it("hides connection-specific lines and those that Connection names", () => {
    const { headers, keepAlive } = whole(VALID[11]!).requests[0]!;
    assert.deepEqual(headers, ["Host: a", "X-Keep: 2"]);
    assert.equal(keepAlive, false);
  });

  it("does not let Connection name Content-Length away", () => {
    const { headers } = whole("POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 0\r\n\r\n").requests[0]!;
    assert.deepEqual(headers, ["Host: a", "Content-Length: 0"]);
  });

  it("takes nine connection options, also over several lines", () => {
    const { error } = whole("GET / HTTP/1.1\r\nHost: a\r\nConnection: a, b, ,c,d\r\nConnection: e\r\nConnection: f,g,h,i\r\n\r\n");
    assert.equal(error, undefined);
  });

  it("sees an upgrade only with its Connection option, and passes h2c over", () => {
    assert.equal(whole(VALID[10]!).requests[0]!.upgrade, "websocket");
    assert.equal(whole("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").requests[0]!.upgrade, undefined);
    assert.equal(whole("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n").requests[0]!.upgrade, undefined);
    assert.equal(
      whole("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n").requests[0]!.upgrade,
      "h2c, websocket",
    );
  });

  it("takes several Upgrade lines for one list, which names no protocol that anybody could allow", () => {
    const text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n";
    assert.equal(whole(text).requests[0]!.upgrade, "h2c, websocket");
  });

  it("believes Proxy-Connection that it closes", () => {
    assert.equal(whole("GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: x, Close\r\n\r\n").requests[0]!.keepAlive, false);
    assert.equal(whole("GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: keep-alive\r\n\r\n").requests[0]!.keepAlive, true);
  });

  it("leaves framing fields out of trailers", () => {
    assert.deepEqual(whole(VALID[4]!).requests[0]!.trailers, ["X-Sum: 1"]);
  });

  it("tolerates one empty line before a request, not two", () => {
    assert.equal(whole("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").requests.length, 1);
    assert.equal(whole("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").error?.status, 400);
  });

  it("is idle after a lone empty line", () => {
    assert.equal(run([Buffer.from("\r"), Buffer.from("\n")]).idle, true);
    assert.equal(whole("\r\n").idle, true);
  });

  it("takes a head of exactly the limit and refuses one byte more", () => {
    const head = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
    const limits = { ...LIMITS, maxHeadBytes: 200 };
    const fill = (n: number): string => head.replace("X: ", `X: ${"v".repeat(n)}`);
    assert.equal(whole(fill(200 - head.length), limits).error, undefined);
    assert.equal(whole(fill(201 - head.length), limits).error?.status, 431);
    assertSplitInvariant(fill(200 - head.length), limits);
    assertSplitInvariant(fill(201 - head.length), limits);
  });
});

const request = (line: string, ...lines: string[]): string => `${[line, ...lines].join("\r\n")}\r\n\r\n`;
const get = (...lines: string[]): string => request("GET / HTTP/1.1", "Host: a", ...lines);
const post = (body: string, ...lines: string[]): string => request("POST / HTTP/1.1", "Host: a", ...lines) + body;
const chunked = (body: string): string => post(body, "Transfer-Encoding: chunked");

const REFUSED: readonly (readonly [name: string, text: string, status: number])[] = [
  ["length and encoding", post("0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), 400],
  ["encoding and length", post("0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"), 400],
  ["encoding and zero length", post("0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 0"), 400],
  ["two equal lengths", post("hello", "Content-Length: 5", "Content-Length: 5"), 400],
  ["two different lengths", post("hello", "Content-Length: 5", "content-length: 6"), 400],
  ["a list of lengths", post("hello", "Content-Length: 5, 5"), 400],
  ["a list of different lengths", post("hello", "Content-Length: 5,6"), 400],
  ["length with a plus sign", post("hello", "Content-Length: +5"), 400],
  ["length with a minus sign", post("", "Content-Length: -1"), 400],
  ["negative zero length", post("", "Content-Length: -0"), 400],
  ["length with inner space", post("hello", "Content-Length: 5 0"), 400],
  ["hexadecimal length", post("hello", "Content-Length: 0x5"), 400],
  ["length with exponent", post("hello", "Content-Length: 5e0"), 400],
  ["length with a dot", post("hello", "Content-Length: 5.0"), 400],
  ["empty length", post("hello", "Content-Length:"), 400],
  ["length of words", post("hello", "Content-Length: five"), 400],
  ["length over 2^53", post("", "Content-Length: 9007199254740993"), 400],
  ["length that overflows 64 bits", post("", "Content-Length: 18446744073709551617"), 400],
  ["length with underscore", post("hello", "Content-Length: 1_0"), 400],
  ["length quoted", post("hello", 'Content-Length: "5"'), 400],
  ["length with a form feed", post("hello", "Content-Length: \x0c5"), 400],
  ["encoding identity", post("", "Transfer-Encoding: identity"), 501],
  ["encoding gzip", post("", "Transfer-Encoding: gzip"), 501],
  ["gzip then chunked", post("0\r\n\r\n", "Transfer-Encoding: gzip, chunked"), 501],
  ["chunked twice in a list", post("0\r\n\r\n", "Transfer-Encoding: chunked, chunked"), 501],
  ["chunked twice in two lines", post("0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 501],
  ["chunked then identity", post("0\r\n\r\n", "Transfer-Encoding: chunked, identity"), 501],
  ["chunked misspelt", post("0\r\n\r\n", "Transfer-Encoding: xchunked"), 501],
  ["chunked with a parameter", post("0\r\n\r\n", "Transfer-Encoding: chunked;q=1"), 501],
  ["chunked behind a comma", post("0\r\n\r\n", "Transfer-Encoding: ,chunked"), 501],
  ["chunked with a vertical tab", post("0\r\n\r\n", "Transfer-Encoding: \x0bchunked"), 400],
  ["empty encoding", post("", "Transfer-Encoding:"), 501],
  ["encoding with an obs-text byte", post("0\r\n\r\n", "Transfer-Encoding: chunked\xa0"), 501],
  ["encoding in HTTP/1.0", request("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"), 400],
  ["encoding with space before the colon", post("0\r\n\r\n", "Transfer-Encoding : chunked"), 400],
  ["length with tab before the colon", post("hello", "Content-Length\t: 5"), 400],
  ["encoding in a folded line", post("0\r\n\r\n", "X: y", " Transfer-Encoding: chunked"), 400],
  ["a folded value", get("X: a", "\tb"), 400],
  ["a first line that begins with a space", request("GET / HTTP/1.1", " Host: a"), 400],
  ["bare LF in the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
  ["bare LF behind a header", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400],
  ["bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400],
  ["LF LF as the end", "GET / HTTP/1.1\r\nHost: a\n\n", 400],
  ["bare CR in a value", get("X: a\rY: b"), 400],
  ["bare CR in a name", get("X\rY: b"), 400],
  ["bare CR before the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX\n\r\n", 400],
  ["CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400],
  ["NUL in a value", get("X: a\0b"), 400],
  ["NUL in a name", get("X\0: b"), 400],
  ["DEL in a value", get("X: a\x7f"), 400],
  ["a control in a value", get("X: a\x01b"), 400],
  ["a name with a space", get("X Y: b"), 400],
  ["a name with a slash", get("X/Y: b"), 400],
  ["a name with a quote", get('X"Y: b'), 400],
  ["a name with obs-text", get("X\xe9: b"), 400],
  ["an empty name", get(": b"), 400],
  ["a line without a colon", get("just words"), 400],
  ["a line of a name only", get("X"), 400],
  ["no Host in 1.1", request("GET / HTTP/1.1", "X: y"), 400],
  ["two Hosts", get("Host: b"), 400],
  ["two equal Hosts", get("Host: a"), 400],
  ["an empty Host", request("GET / HTTP/1.1", "Host:"), 400],
  ["Host with userinfo", request("GET / HTTP/1.1", "Host: u@a"), 400],
  ["Host with a path", request("GET / HTTP/1.1", "Host: a/b"), 400],
  ["Host with a space", request("GET / HTTP/1.1", "Host: a b"), 400],
  ["Host as a list", request("GET / HTTP/1.1", "Host: a,b"), 400],
  ["Host with a bad port", request("GET / HTTP/1.1", "Host: a:8x"), 400],
  ["Host with a port out of range", request("GET / HTTP/1.1", "Host: a:65536"), 400],
  ["Host with two ports", request("GET / HTTP/1.1", "Host: a:80:81"), 400],
  ["Host with an open bracket", request("GET / HTTP/1.1", "Host: [::1"), 400],
  ["Host with a bracket in the middle", request("GET / HTTP/1.1", "Host: a[::1]"), 400],
  ["Host with only a port", request("GET / HTTP/1.1", "Host: :80"), 400],
  ["Host with obs-text", request("GET / HTTP/1.1", "Host: \xe9"), 400],
  ["HTTP/2.0", request("GET / HTTP/2.0", "Host: a"), 505],
  ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["HTTP/1.2", request("GET / HTTP/1.2", "Host: a"), 505],
  ["HTTP/0.9", request("GET / HTTP/0.9", "Host: a"), 505],
  ["a version in lower case", request("GET / http/1.1", "Host: a"), 400],
  ["a version of another protocol", request("GET / RTSP/1.0", "Host: a"), 400],
  ["a version without a dot", request("GET / HTTP/11 ", "Host: a"), 400],
  ["a version with two digits", request("GET / HTTP/1.10", "Host: a"), 400],
  ["a version with a space behind", request("GET / HTTP/1.1 ", "Host: a"), 400],
  ["no version", request("GET /", "Host: a"), 400],
  ["two spaces in the request line", request("GET  / HTTP/1.1", "Host: a"), 400],
  ["a tab in the request line", request("GET\t/ HTTP/1.1", "Host: a"), 400],
  ["a space in the target", request("GET /a b HTTP/1.1", "Host: a"), 400],
  ["a control in the target", request("GET /a\x01 HTTP/1.1", "Host: a"), 400],
  ["NUL in the target", request("GET /a\0 HTTP/1.1", "Host: a"), 400],
  ["obs-text in the target", request("GET /\xe9 HTTP/1.1", "Host: a"), 400],
  ["a fragment in the target", request("GET /a#b HTTP/1.1", "Host: a"), 400],
  ["a relative target", request("GET a HTTP/1.1", "Host: a"), 400],
  ["a star for GET", request("GET * HTTP/1.1", "Host: a"), 400],
  ["an authority for GET", request("GET a:80 HTTP/1.1", "Host: a"), 400],
  ["another scheme", request("GET ftp://a/ HTTP/1.1", "Host: a"), 400],
  ["an https URL without TLS", request("GET https://a/ HTTP/1.1", "Host: a"), 403],
  ["ten connection options", request("GET / HTTP/1.1", "Host: a", "Connection: a,b,c,d,e", "Connection: f,g,h,i,j"), 400],
  ["a connection option that names Host", request("GET / HTTP/1.1", "Host: a", "Connection: close, Host"), 400],
  ["a connection option that names X-Forwarded-For", request("GET / HTTP/1.1", "Host: a", "Connection: X-Forwarded-For"), 400],
  ["a connection option that names a pseudo header", request("GET / HTTP/1.1", "Host: a", "Connection: close, :path"), 400],
  ["an absolute target with userinfo", request("GET http://u:p@a/ HTTP/1.1", "Host: a"), 400],
  ["an absolute target without a host", request("GET http:///x HTTP/1.1", "Host: a"), 400],
  ["an absolute target with bad Host", request("GET http://a/ HTTP/1.1", "Host: b c"), 400],
  ["CONNECT without a port", request("CONNECT a HTTP/1.1", "Host: a"), 400],
  ["CONNECT with a path", request("CONNECT /x HTTP/1.1", "Host: a"), 400],
  ["CONNECT with encoding", request("CONNECT a:1 HTTP/1.1", "Host: a:1", "Transfer-Encoding: chunked"), 501],
  ["CONNECT with length", request("CONNECT a:1 HTTP/1.1", "Host: a:1", "Content-Length: 3"), 400],
  ["an upgrade with encoding", post("0\r\n\r\n", "Connection: upgrade", "Upgrade: x", "Transfer-Encoding: chunked"), 400],
  ["a method with a control", request("G\x01T / HTTP/1.1", "Host: a"), 400],
  ["a method that is not known", request("BREW / HTTP/1.1", "Host: a"), 400],
  ["a method in lower case", request("get / HTTP/1.1", "Host: a"), 400],
  ["a short line that is no request", "what is this\r\n\r\n", 400],
  ["no method", request(" / HTTP/1.1", "Host: a"), 400],
  ["TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ["a chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size with a space", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size behind a space", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size with a sign", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400],
  ["a negative chunk size", chunked("-5\r\nhello\r\n0\r\n\r\n"), 400],
  ["an empty chunk size", chunked("\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size that is no number", chunked("g\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size that overflows", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size with too many digits", chunked("00000000000000005\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size ended by LF", chunked("5\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size with CR without LF", chunked("5\rXhello\r\n0\r\n\r\n"), 400],
  ["chunk data longer than its size", chunked("5\r\nhelloX\r\n0\r\n\r\n"), 400],
  ["chunk data without CRLF", chunked("5\r\nhello0\r\n\r\n"), 400],
  ["chunk data ended by LF", chunked("5\r\nhello\n0\r\n\r\n"), 400],
  ["a control in a chunk extension", chunked("5;a\x00b\r\nhello\r\n0\r\n\r\n"), 400],
  ["LF in a chunk extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk extension without end", chunked(`5;${"e".repeat(5000)}\r\nhello\r\n0\r\n\r\n`), 400],
  ["a trailer with a bad name", chunked("0\r\nX Y: z\r\n\r\n"), 400],
  ["a trailer with bare LF", chunked("0\r\nX: z\n\r\n"), 400],
  ["a last chunk ended by LF", chunked("0\r\n\n"), 400],
  ["too many headers", get(...Array.from({ length: 100 }, (_, i) => `X-${i}: y`)), 431],
  ["too many trailers", chunked(`0\r\n${"X: y\r\n".repeat(101)}\r\n`), 431],
  ["a head that is too large", get(`X: ${"v".repeat(61 * 1024)}`), 431],
  ["a target that is too large", request(`GET /${"v".repeat(61 * 1024)} HTTP/1.1`, "Host: a"), 431],
  ["trailers that are too large", chunked(`0\r\nX: ${"v".repeat(61 * 1024)}\r\n\r\n`), 431],
];

describe("request parser: refusals", () => {
  it("knows at least eighty ways to be wrong", () => {
    assert.ok(REFUSED.length >= 80, String(REFUSED.length));
  });

  for (const [name, text, status] of REFUSED) {
    it(`refuses ${name} with ${status}`, () => {
      const { error } = whole(text);
      assert.equal(error?.status, status);
      if (text.length < 400) assertSplitInvariant(text);
    });
  }

  it("refuses an absolute target where it is not wanted", () => {
    assert.equal(
      whole(request("GET http://a/ HTTP/1.1", "Host: a"), { ...LIMITS, allowAbsoluteUrl: false }).error?.details,
      "http1.invalid_url",
    );
  });

  it("parses nothing more after an error", () => {
    assert.equal(whole(`${get("X Y: z")}${get()}`).requests.length, 0);
  });
});

describe("request parser: properties", () => {
  it("neither throws nor loops on random bytes", () => {
    const soup = fc.array(
      fc.constantFrom(
        "GET ",
        "/ ",
        "HTTP/1.1",
        "\r\n",
        "\n",
        "\r",
        "Host: a",
        ": ",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "0",
        "a",
        " ",
        "\t",
        "\0",
        "\xff",
        "5\r\nhello\r\n",
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          soup.map((parts) => parts.join("")),
          fc.string({ unit: "binary-ascii", maxLength: 300 }),
        ),
        fc.nat(300),
        (text, cut) => {
          const bytes = Buffer.from(text, "latin1");
          const at = Math.min(cut, bytes.length);
          run([bytes.subarray(0, at), bytes.subarray(at)]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("reads back what a valid request said, however it is cut", () => {
    const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/).map((name) => `X${name}`);
    const value = fc.stringMatching(/^(|[!-~]([ -~]{0,20}[!-~])?)$/);
    const lines = fc.array(fc.tuple(token, value), { maxLength: 10 });
    const pieces = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 30 }), { maxLength: 4 });
    fc.assert(
      fc.property(lines, pieces, fc.boolean(), fc.array(fc.nat(400), { maxLength: 5 }), (headers, body, isChunked, cuts) => {
        const content = body.join("");
        const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${content.length}`;
        const head = request("POST /p HTTP/1.1", "Host: h", ...headers.map(([name, text]) => `${name}: ${text}`), framing);
        const text =
          head + (isChunked ? `${body.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("")}0\r\n\r\n` : content);
        const bytes = Buffer.from(text, "latin1");
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const { requests, error, idle } = run(at.slice(1).map((end, i) => bytes.subarray(at[i]!, end)));
        assert.equal(error, undefined);
        assert.equal(requests.length, 1);
        assert.equal(requests[0]!.body, content);
        assert.equal(requests[0]!.complete, true);
        assert.equal(idle, true);
        const expected = ["Host: h", ...headers.map(([name, value]) => `${name}: ${value}`)];
        if (!isChunked) expected.push(framing);
        assert.deepEqual(requests[0]!.headers, expected);
      }),
      { numRuns: 200 },
    );
  });
});
