// The corpus of hostile requests.
import { CHUNKS, ENCODINGS, LENGTHS } from "./framing-rows.ts";
import { FIELDS, HOSTS, OPTIONS, STARTS } from "./head-rows.ts";
import { H, CHUNKED, INNER, get, post, chunks, one, family, lengthOf } from "./hostile-case.ts";
import type { HostileCase } from "./hostile-case.ts";

const CL_TE = "0\r\n\r\n" + INNER;

export const HOSTILE_CASES: readonly HostileCase[] = [
  one("CL.TE: both, the length first", post(CL_TE, `Content-Length: ${lengthOf(CL_TE)}`, CHUNKED)),
  one("CL.TE: both, the coding first", post(CL_TE, CHUNKED, `Content-Length: ${lengthOf(CL_TE)}`)),
  one("TE.CL: a short length", post("24\r\nGET /c@/x HTTP/1.1\r\nHost: a.example\r\n\r\n0\r\n\r\n", "Content-Length: 4", CHUNKED)),
  one("0.CL: GET with a length of 0 and more behind", get("Content-Length: 0") + INNER),
  one("0.CL: GET with a body", get(`Content-Length: ${lengthOf(INNER)}`) + INNER),
  one("CL.0: POST without a length and more behind", post("") + INNER),
  one("CL.0: OPTIONS with a body", `OPTIONS /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${lengthOf(INNER)}\r\n\r\n${INNER}`),
  one("CL.0: HEAD with a body", `HEAD /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${lengthOf(INNER)}\r\n\r\n${INNER}`),
  one("CL.0: DELETE with a body", `DELETE /c@ HTTP/1.1\r\n${H}\r\nContent-Length: ${lengthOf(INNER)}\r\n\r\n${INNER}`),
  one(
    "TE.0: OPTIONS in chunks",
    `OPTIONS /c@ HTTP/1.1\r\n${H}\r\n${CHUNKED}\r\n\r\n${lengthOf(INNER).toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
  ),
  one("pipelined, both honest", get() + INNER),
  one("pipelined garbage", `${get()}\0\0\0\0`),
  one("pipelined, the second ambiguous", get() + post("0\r\n\r\n", "Content-Length: 5", CHUNKED)),
  ...family("TE.TE", ENCODINGS, (line) => post("5\r\nhello\r\n0\r\n\r\n", line)),
  // With a length beside it Envoy refuses all of them but those that it takes for another field.
  ...family("CL.TE with a disguise", ENCODINGS, (line) => post(CL_TE, `Content-Length: ${lengthOf(CL_TE)}`, line)).map(
    ({ stricter, ...row }) => (stricter !== undefined && /bare CR|behind another line/.test(row.name) ? { ...row, stricter } : row),
  ),
  ...family("Content-Length", LENGTHS, (line) => post("hello", line)),
  ...family("chunks", CHUNKS, (body) => chunks(body)),
  ...family("a field", FIELDS, (line) => get(line)),
  ...family("a start line", STARTS, (text) => text),
  ...family("Host", HOSTS, (lines) => `GET /c@ HTTP/1.1\r\n${lines}\r\n`),
  ...family("options", OPTIONS, (text) => text),
  one("a head byte by byte", get("X: 1"), { pieces: 1 }),
  one("a chunked body byte by byte", chunks("5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n"), { pieces: 1 }),
  one("a CL.TE byte by byte", post(CL_TE, `Content-Length: ${lengthOf(CL_TE)}`, CHUNKED), { pieces: 1 }),
  one("a large head in pieces of 50", get(`X: ${"a".repeat(20_000)}`), { pieces: 500 }),
  one("a head over the limit in pieces", get(`X: ${"a".repeat(100_000)}`), { pieces: 5000 }),
];

/** Each of them with an honest request behind it: where the first is refused, the second must not be seen. */
export const PIPELINED_CASES: readonly HostileCase[] = HOSTILE_CASES.filter(({ pieces }) => pieces === undefined).map((testCase) => ({
  ...testCase,
  name: `${testCase.name}, and a request behind`,
  bytes: testCase.bytes + INNER,
}));
