import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { array, assert as check, nat, property, string } from "fast-check";
import { accessLogPrefix, LineOutput, LineSplitter, splitAccessLogPrefix } from "./line-output.ts";

function lines(chunks: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const splitter = new LineSplitter((line) => found.push(line));
  for (const chunk of chunks) splitter.write(chunk);
  splitter.end();
  return found;
}

describe("output line by line", () => {
  it("is the same however the bytes were cut, also inside a character", () => {
    check(
      property(string({ unit: "grapheme" }), array(nat(50)), (text, cuts) => {
        const bytes = Buffer.from(text);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        assert.deepEqual(lines(chunks), lines([bytes]));
      }),
    );
  });

  it("keeps empty lines, takes a carriage return for part of the end, and ends an unfinished line", () => {
    assert.deepEqual(lines([Buffer.from("a\r\n\nb")]), ["a", "", "b"]);
  });

  it("hands on a line that does not end in pieces", () => {
    const found = lines([Buffer.alloc(150_000, "x")]);
    assert.deepEqual(
      found.map((line) => line.length),
      [65_536, 65_536, 18_928],
    );
  });

  it("has the name of its writer in front, with one colour for an application and its sidecar", () => {
    const written: string[] = [];
    const options = { format: "text", write: (text: string) => written.push(text), wallMs: () => 0 } as const;
    const plain = new LineOutput({ ...options, color: false });
    plain.line("reviews-v2-1", "hello");
    plain.line("a", "b");
    assert.deepEqual(written.splice(0), ["reviews-v2-1     | hello\n", "a                | b\n"]);
    const colored = new LineOutput({ ...options, color: true });
    colored.line("one", "x");
    colored.line("two", "x");
    colored.line("one/proxy", "x");
    const codes = written.map((line) => line.slice(0, 5));
    assert.equal(codes[0], codes[2]);
    assert.notEqual(codes[0], codes[1]);
  });

  it("is one JSON document a line when asked", () => {
    const written: string[] = [];
    new LineOutput({ format: "json", color: true, write: (text) => written.push(text), wallMs: () => 0 }).line("a", 'say "hi"');
    assert.deepEqual(JSON.parse(written[0] ?? ""), { time: "1970-01-01T00:00:00.000Z", source: "a", message: 'say "hi"' });
  });

  it("finds the proxy of an access-log line", () => {
    assert.deepEqual(splitAccessLogPrefix(`${accessLogPrefix("reviews-v2-1")}[2026] GET`), { proxy: "reviews-v2-1", line: "[2026] GET" });
    assert.equal(splitAccessLogPrefix("[2026] GET"), undefined);
  });
});
