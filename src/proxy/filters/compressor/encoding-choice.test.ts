import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEncoding } from "./encoding-choice.ts";

const candidate = (encoding: string, chooseFirst = false, types = ["text/html"]) => ({
  encoding,
  chooseFirst,
  contentTypes: new Set(types),
});
const choose = (accept: string, candidates = [candidate("gzip"), candidate("br")], type = "text/html"): string => {
  const { encoding, reason } = chooseEncoding(accept, type, candidates);
  return `${encoding} ${reason}`;
};

test("the encoding with the highest q wins, of equals the first that the client names", () => {
  assert.equal(choose("gzip;q=0.5, br;q=0.8"), "br compressor");
  assert.equal(choose("gzip, br"), "gzip compressor");
  assert.equal(choose("br, gzip"), "br compressor");
  assert.equal(choose("br, gzip", [candidate("gzip", true), candidate("br")]), "gzip compressor");
  assert.equal(choose("deflate, gzip;q=0.1"), "gzip compressor");
});

test("identity and * are encodings, too", () => {
  assert.equal(choose("identity, gzip;q=0.9"), "identity identity");
  assert.equal(choose("*"), "gzip wildcard");
  assert.equal(choose("gzip;q=0, *"), "br wildcard");
  assert.equal(choose("gzip;q=0, deflate, *", [candidate("gzip")]), "identity not-valid");
});

test("what names none of ours, or nothing that can be read, is not valid", () => {
  for (const accept of ["", "deflate", "gzip;q=0", "gzip;q=x", ",;"]) assert.equal(choose(accept), "identity not-valid", accept);
});

test("a compressor of other content types is left out", () => {
  const candidates = [candidate("gzip"), candidate("br", false, ["application/json"])];
  assert.equal(choose("gzip;q=1, br;q=0.5", candidates, "application/json"), "br compressor");
  assert.equal(choose("gzip", candidates, ""), "gzip compressor");
});
