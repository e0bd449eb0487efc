// What every header map does, whatever it stands on. Each backing runs this suite; `make` builds a map from lines in order.
import { it } from "node:test";
import assert from "node:assert/strict";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";

export type Lines = readonly (readonly [name: string, value: string])[];

const SOME: Lines = [
  ["accept", "*/*"],
  ["x-one", "1"],
  ["cookie", "a=b"],
  ["x-one", "2"],
  ["x-envoy-a", "e"],
  ["content-length", "0"],
];

function entries(map: HeaderMap): string[] {
  const out: string[] = [];
  map.forEach((name, value) => out.push(`${name}=${value}`));
  return out;
}

export function headerMapConformance(make: (lines: Lines) => HeaderMap): void {
  it("gives the first value, all values, and the joined value of a name", () => {
    const map = make(SOME);
    assert.equal(map.get("x-one"), "1");
    assert.deepEqual(map.getAll("x-one"), ["1", "2"]);
    assert.equal(map.getJoined("x-one"), "1,2");
    assert.equal(map.getJoined("accept"), "*/*");
    assert.equal(map.get("absent"), undefined);
    assert.deepEqual(map.getAll("absent"), []);
    assert.equal(map.getJoined("absent"), undefined);
    assert.equal(map.has("cookie"), true);
    assert.equal(map.has("cooki"), false);
  });

  it("gives names and values in turn, with what was changed", () => {
    const map = make(SOME);
    map.remove("x-one");
    map.set("accept", "a/b");
    map.add("x-new", "n");
    const fields = map.toFields().map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text));
    assert.deepEqual(fields, ["cookie", "a=b", "x-envoy-a", "e", "content-length", "0", "accept", "a/b", "x-new", "n"]);
  });

  it("visits lines in order and counts them", () => {
    const map = make(SOME);
    assert.deepEqual(entries(map), ["accept=*/*", "x-one=1", "cookie=a=b", "x-one=2", "x-envoy-a=e", "content-length=0"]);
    assert.equal(map.count, 6);
    assert.equal(map.byteSize, entries(map).join("").length - 6);
  });

  it("replaces all lines of a name with set", () => {
    const map = make(SOME);
    map.set("x-one", "3");
    assert.deepEqual(map.getAll("x-one"), ["3"]);
    map.set("x-one", "4");
    assert.deepEqual(map.getAll("x-one"), ["4"]);
    map.set("x-new", "5");
    assert.equal(map.get("x-new"), "5");
    assert.equal(map.count, 6);
  });

  it("adds a line at the end", () => {
    const map = make(SOME);
    map.add("x-one", "3");
    map.add("x-two", "");
    assert.equal(map.getJoined("x-one"), "1,2,3");
    assert.equal(map.get("x-two"), "");
    assert.equal(entries(map).at(-1), "x-two=");
  });

  it("removes by name and by prefix, added lines too", () => {
    const map = make(SOME);
    map.add("x-envoy-b", "f");
    map.add("x-one", "3");
    map.remove("x-one");
    assert.equal(map.has("x-one"), false);
    map.removePrefix("x-envoy-");
    assert.deepEqual(entries(map), ["accept=*/*", "cookie=a=b", "content-length=0"]);
    map.remove("absent");
    map.removePrefix("");
    assert.equal(map.count, 0);
    assert.equal(map.byteSize, 0);
  });

  it("writes its lines in HTTP/1 form", () => {
    const map = make(SOME);
    map.remove("x-one");
    map.add("x-last", "z");
    const lines = map.toHttp1().split("\r\n");
    assert.equal(lines.pop(), "");
    const wanted = ["accept: */*", "cookie: a=b", "x-envoy-a: e", "content-length: 0", "x-last: z"];
    assert.deepEqual(
      lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase())).filter((line) => !line.startsWith("host:")),
      wanted,
    );
  });

  it("can be empty", () => {
    const map = make([]);
    assert.equal(map.count, 0);
    assert.equal(map.get("x"), undefined);
    map.set("x", "y");
    assert.equal(map.get("x"), "y");
  });

  it("refuses values that would break out of their line", () => {
    const map = make(SOME);
    for (const value of ["a\r\nb: c", "a\nb", "a\rb", "a\0b"]) {
      assert.throws(() => map.set("x", value), { name: "InvariantError" });
      assert.throws(() => map.add("x", value), { name: "InvariantError" });
    }
    assert.throws(() => map.add("x\r\ny", "v"), { name: "InvariantError" });
    assert.throws(() => map.add("", "v"), { name: "InvariantError" });
  });

  it("writes characters above 255 as UTF-8, never as another character", () => {
    const map = make([]);
    map.add("x", "\u010a\u{1f600}");
    assert.equal(Buffer.from(map.get("x")!, "latin1").toString("utf8"), "\u010a\u{1f600}");
    assert.ok(Array.from(map.toHttp1()).every((character) => character.charCodeAt(0) < 256));
  });
}

export function requestHeaderMapConformance(make: (lines: Lines) => RequestHeaderMap): void {
  it("has its pseudo headers as fields, and under their names", () => {
    const map = make(SOME);
    assert.equal(map.method, "GET");
    assert.equal(map.get(":method"), "GET");
    assert.equal(map.get(":path"), "/p");
    assert.equal(map.get(":scheme"), "http");
    assert.equal(map.get(":authority"), "h");
    assert.equal(map.get("host"), "h");
    assert.deepEqual(map.getAll("host"), ["h"]);
    map.set("host", "other");
    assert.equal(map.authority, "other");
    map.set(":path", "/q");
    assert.equal(map.path, "/q");
    map.remove("host");
    assert.equal(map.authority, "other");
    map.removePrefix("ho");
    assert.equal(map.authority, "other");
    assert.equal(
      entries(map).some((line) => line.startsWith("host")),
      false,
    );
  });

  it("writes Host once, first when it was changed", () => {
    const map = make(SOME);
    assert.equal(map.toHttp1().match(/^host:/gim)?.length, 1);
    map.authority = "changed:81";
    assert.equal(map.toHttp1().split("\r\n")[0], "host: changed:81");
    assert.equal(map.toHttp1().match(/^host:/gim)?.length, 1);
  });

  it("refuses an authority that would break out of its line", () => {
    const map = make(SOME);
    map.authority = "a\r\nx: y";
    assert.throws(() => map.toHttp1(), { name: "InvariantError" });
  });
}

export function responseHeaderMapConformance(make: (lines: Lines) => ResponseHeaderMap): void {
  it("has its status as a field, and under its name", () => {
    const map = make(SOME);
    assert.equal(map.status, 200);
    assert.equal(map.get(":status"), "200");
    map.set(":status", "404");
    assert.equal(map.status, 404);
    assert.throws(() => map.set(":status", "abc"), { name: "InvariantError" });
  });
}
