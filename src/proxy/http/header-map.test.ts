import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { createRequestParser } from "#proxy/codec/http1/request-parser";
import { createResponseParser } from "#proxy/codec/http1/response-parser";
import { headerMapConformance, requestHeaderMapConformance, responseHeaderMapConformance } from "./header-map.conformance.ts";
import type { Lines } from "./header-map.conformance.ts";
import type { TrailerMap } from "./header-map.ts";
import { Http1RequestHeaderMap, Http1ResponseHeaderMap, Http1TrailerMap } from "./http1-header-map.ts";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";

const LIMITS = { maxHeadBytes: 60 * 1024, maxHeaders: 100, allowAbsoluteUrl: true, scheme: "http", validateScheme: true } as const;

interface Parsed {
  headers: Http1RequestHeaderMap;
  trailers: TrailerMap | undefined;
}

function parseRequest(text: string): Parsed {
  let headers: Http1RequestHeaderMap | undefined;
  let trailers: TrailerMap | undefined;
  const parser = createRequestParser(
    {
      onRequestHead: (head) => (headers = new Http1RequestHeaderMap(head)),
      onBody: () => {},
      onBodyEnd: () => {},
      onTrailers: (lines) => (trailers = new Http1TrailerMap(lines)),
    },
    LIMITS,
  );
  const bytes = Buffer.from(text, "latin1");
  for (let position = 0; position < bytes.length && parser.error === undefined;) position += parser.execute(bytes, position, bytes.length);
  assert.equal(parser.error, undefined);
  // The maps own what they need: the read buffer and the parser go on without them.
  bytes.fill(0x58);
  const next = Buffer.from("GET /other HTTP/1.1\r\nHost: other\r\nX-Other: 1\r\nX-More: 2\r\n\r\n");
  const kept = headers!;
  for (let position = 0; position < next.length;) position += parser.execute(next, position, next.length);
  return { headers: kept, trailers };
}

function parseResponse(text: string): Http1ResponseHeaderMap {
  let headers: Http1ResponseHeaderMap | undefined;
  const { parser } = createResponseParser(
    { onResponseHead: (head) => (headers = new Http1ResponseHeaderMap(head)), onBody: () => {}, onBodyEnd: () => {}, onTrailers: () => {} },
    LIMITS,
  );
  const bytes = Buffer.from(text, "latin1");
  parser.execute(bytes, 0, bytes.length);
  bytes.fill(0x58);
  return headers!;
}

const block = (lines: Lines, spelling = (name: string): string => name): string =>
  lines.map(([name, value]) => `${spelling(name)}: ${value}\r\n`).join("");
const titled = (name: string): string => name.replace(/(^|-)[a-z]/g, (text) => text.toUpperCase());

const rawRequest = (lines: Lines): Http1RequestHeaderMap =>
  parseRequest(`GET /p HTTP/1.1\r\nHost: h\r\n${block(lines, titled)}\r\n`).headers;
const pairRequest = (lines: Lines): PairRequestHeaderMap =>
  new PairRequestHeaderMap({ method: "GET", path: "/p", authority: "h", scheme: "http" }, lines);

describe("HTTP/1 request header map", () => {
  headerMapConformance(rawRequest);
  requestHeaderMapConformance(rawRequest);

  it("passes untouched lines on as they came, spelling and spacing included", () => {
    const lines = "hOsT: h\r\nX-Legacy-CASE:  two spaces \r\nx-utf: caf\xe9\r\n";
    const { headers } = parseRequest(`GET / HTTP/1.1\r\n${lines}\r\n`);
    assert.equal(headers.toHttp1(), lines);
    headers.add("x-added", "1");
    assert.equal(headers.toHttp1(), `${lines}x-added: 1\r\n`);
    assert.equal(headers.get("x-legacy-case"), "two spaces");
  });

  it("leaves out what concerns the connection", () => {
    const { headers } = parseRequest(
      "GET / HTTP/1.1\r\nConnection: keep-alive, X-Hop\r\nHost: h\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip, trailers\r\nA: b\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    assert.equal(headers.toHttp1(), "Host: h\r\nA: b\r\nte: trailers\r\n");
    assert.equal(headers.get("te"), "trailers");
    assert.equal(headers.has("connection"), false);
  });

  it("keeps an upgrade, and says so in its own words", () => {
    const { headers } = parseRequest("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert.equal(headers.upgrade, "websocket");
    assert.equal(headers.toHttp1(), "Host: h\r\nUpgrade: websocket\r\nconnection: upgrade\r\n");
  });

  it("replaces Host by the authority of an absolute target", () => {
    const { headers } = parseRequest("GET http://real/ HTTP/1.1\r\nA: b\r\nHost: fake\r\n\r\n");
    assert.equal(headers.authority, "real");
    assert.equal(headers.toHttp1(), "host: real\r\nA: b\r\n");
  });

  it("is not touched by the edits of another head in the same slab", () => {
    const one = rawRequest([["a", "1"]]);
    const two = rawRequest([["a", "2"]]);
    two.remove("a");
    assert.equal(one.get("a"), "1");
    assert.equal(two.get("a"), undefined);
  });
});

describe("pair request header map", () => {
  headerMapConformance(pairRequest);
  requestHeaderMapConformance(pairRequest);
});

describe("HTTP/1 response header map", () => {
  const make = (lines: Lines): Http1ResponseHeaderMap => parseResponse(`HTTP/1.1 200 OK\r\n${block(lines, titled)}\r\n`);
  headerMapConformance(make);
  responseHeaderMapConformance(make);
});

describe("pair response header map", () => {
  const make = (lines: Lines): PairResponseHeaderMap => new PairResponseHeaderMap(200, lines);
  headerMapConformance(make);
  responseHeaderMapConformance(make);
});

describe("HTTP/1 trailer map", () => {
  const make = (lines: Lines): TrailerMap => {
    const named = lines.map(([name, value]) => [name === "content-length" ? "x-length" : name, value] as const);
    const { trailers } = parseRequest(`POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${block(named, titled)}\r\n`);
    return trailers ?? new PairTrailerMap();
  };
  it("holds trailer lines", () => {
    const map = make([["x-sum", "1"]]);
    assert.equal(map.get("x-sum"), "1");
    assert.equal(map.toHttp1(), "X-Sum: 1\r\n");
  });
});

describe("header maps over a codec's fields", () => {
  const pseudo = { method: "GET", path: "/p", authority: "h", scheme: "http" };
  const request = (lines: Lines): PairRequestHeaderMap => new PairRequestHeaderMap(pseudo, undefined, lines.flat());
  const response = (lines: Lines): PairResponseHeaderMap => new PairResponseHeaderMap(200, undefined, lines.flat());
  headerMapConformance(request);
  requestHeaderMapConformance(request);
  headerMapConformance(response);
  responseHeaderMapConformance(response);
  headerMapConformance((lines) => new PairTrailerMap(undefined, lines.flat()));
});

describe("pair trailer map", () => {
  headerMapConformance((lines) => new PairTrailerMap(lines));
});
