import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { compileFormat, HEADER_FORMAT, LOG_FORMAT } from "./format.ts";
import { compileTimeFormat } from "./start-time.ts";

function stream(): StreamRecord {
  const info = new StreamRecord(1_700_000_000_123, 100, {
    local: { address: "127.0.0.1", port: 80 },
    remote: { address: "10.0.0.9", port: 5 },
    directRemote: { address: "10.0.0.9", port: 5 },
    requestedServerName: undefined,
    tls: undefined,
  });
  info.requestHeaders = new PairRequestHeaderMap({ method: "GET", path: "/a?b=c", authority: "host", scheme: "http", upgrade: undefined }, [
    ["x-id", "0123456789"],
    ["x-two", "1"],
    ["x-two", "2"],
    ["content-type", "application/grpc"],
  ]);
  info.responseHeaders = new PairResponseHeaderMap(200, [["server", "s"]]);
  info.responseTrailers = new PairTrailerMap([["grpc-status", "14"]]);
  info.responseCode = 200;
  info.requestCompleteMs = 110;
  info.upstreamFirstByteReceivedMs = 150;
  info.endMs = 175;
  info.upstreamTransportFailure = "delayed connect error: 111";
  info.attemptCount = 2;
  info.upstreamProtocol = "HTTP/2";
  return info;
}

const log = (text: string): string => compileFormat(text, LOG_FORMAT).format(stream());

test("operators, alternatives and truncation", () => {
  for (const [format, expected] of [
    ["%REQ(X-ID):4%", "0123"],
    ["%REQ(nope?X-ID)%", "0123456789"],
    ["%REQ(x-two)%", "1"],
    ["%REQ_WITHOUT_QUERY(:path)%", "/a"],
    ["%REQ(:authority)% %REQ(host)% %REQ(:scheme)%", "host host http"],
    ["%RESP(server)% %RESP(:status)% %RESP(x)%", "s 200 -"],
    ["%TRAILER(grpc-status)% %GRPC_STATUS% %GRPC_STATUS_NUMBER%", "14 Unavailable 14"],
    ["%GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)%", "UNAVAILABLE 14"],
    ["%DURATION% %REQUEST_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%", "75 10 50 25"],
    ["%UPSTREAM_TRANSPORT_FAILURE_REASON%", "delayed_connect_error:_111"],
    ["%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%", "10.0.0.9 5"],
    ["%UPSTREAM_PROTOCOL%", "HTTP/2"],
    ["%UPSTREAM_REQUEST_ATTEMPT_COUNT% %DYNAMIC_METADATA(a:b)% %FILTER_STATE(x:PLAIN)%", "2 - -"],
    ["100%% é", `100% ${Buffer.from("é").toString("latin1")}`],
  ] as const) {
    assert.equal(log(format), expected, format);
  }
});

test("the address of the upstream's connection is known when there was one, the host's also without", () => {
  const format = compileFormat("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_PORT%", LOG_FORMAT);
  const info = stream();
  info.upstreamHost = { address: "10.0.0.2", port: 80 };
  info.upstreamLocal = undefined;
  assert.equal(format.format(info), "10.0.0.2:80 - -");
  info.upstreamLocal = { address: "10.0.0.1", port: 5 };
  assert.equal(format.format(info), "10.0.0.2:80 10.0.0.2:80 80");
});

test("a gRPC status is that of gRPC requests, else what the HTTP status means", () => {
  const format = compileFormat("%GRPC_STATUS%", LOG_FORMAT);
  const info = stream();
  info.responseTrailers = undefined;
  assert.equal(format.format(info), "Unknown");
  info.responseCode = 503;
  assert.equal(format.format(info), "Unavailable");
  info.responseCode = 0;
  assert.equal(format.format(info), "-");
  info.responseCode = 200;
  info.requestHeaders!.set("content-type", "text/plain");
  assert.equal(format.format(info), "-");
  assert.throws(() => compileFormat("%GRPC_STATUS(X)%", LOG_FORMAT), /is not known: CAMEL_STRING/);
});

test("metadata of everything that takes a request", () => {
  const info = stream();
  info.routeMetadata = { ns: { word: "of-route", number: 4.5, inner: { list: [1, "x"] } } };
  info.virtualHostMetadata = { ns: { word: "of-host" } };
  info.clusterMetadata = { ns: { word: "of-cluster" } };
  info.upstreamMetadata = { ns: { truth: true } };
  info.dynamicMetadata = { ns: { word: "of-filter" } };
  for (const [format, expected] of [
    ["%METADATA(ROUTE:ns:word)% %METADATA(ROUTE:ns:number)% %METADATA(ROUTE:ns:inner)%", 'of-route 4.5 {"list":[1,"x"]}'],
    ["%METADATA(VIRTUAL_HOST:ns:word)% %METADATA(CLUSTER:ns:word):4% %CLUSTER_METADATA(ns:word)%", "of-host of-c of-cluster"],
    ["%UPSTREAM_METADATA(ns:truth)% %METADATA(UPSTREAM_HOST:ns:none)% %METADATA(DYNAMIC:ns:word)%", "true - of-filter"],
  ] as const)
    assert.equal(compileFormat(format, LOG_FORMAT).format(info), expected, format);
  for (const [format, problem] of [
    ["%METADATA(LISTENER:ns)%", /metadata of LISTENER is not served/],
    ["%METADATA%", /metadata of nothing/],
    ["%METADATA(ROUTE)%", /needs a namespace: %METADATA\(TYPE:NAMESPACE:KEY\)%/],
    ["%CLUSTER_METADATA%", /needs a namespace: %CLUSTER_METADATA\(NAMESPACE:KEY\)%/],
  ] as const)
    assert.throws(() => compileFormat(format, LOG_FORMAT), problem);
});

test("times: ISO by default, strftime with fractions, seconds since the epoch", () => {
  assert.equal(log("%START_TIME%"), "2023-11-14T22:13:20.123Z");
  assert.equal(log("%START_TIME(%Y/%m/%dT%H:%M:%S%z %s.%3f)%"), "2023/11/14T22:13:20+0000 1700000000.123");
  assert.equal(log("%START_TIME(%6f %f %3s)%"), "123000 123000000 1700000000123");
  assert.throws(() => compileTimeFormat("%Q"), /"%Q" is not served/);
});

test("in headers an unknown value is nothing", () => {
  assert.equal(compileFormat("%REQ(nope)%", HEADER_FORMAT).format(stream()), "");
});

test("a text without operators is a constant, a lone operator keeps its type", () => {
  assert.equal(compileFormat("a%%", LOG_FORMAT).constant, "a%");
  assert.equal(compileFormat("%RESPONSE_CODE%", LOG_FORMAT).single?.(stream()), 200);
  assert.equal(compileFormat("%RESPONSE_CODE% ", LOG_FORMAT).single, undefined);
});

test("what is broken or not served is an error that says so", () => {
  for (const [format, expected] of [
    ["%", /begins no command/],
    ["%REQ(a%", /"\)" is missing/],
    ["%REQ(a)", /closing "%" is missing/],
    ["%REQ%", /needs a header name/],
    ["%REQ(a?b?c)%", /more than one alternative/],
    ["%REQ(a):x%", /must be a number/],
    ["%PROTOCOL(x)%", /takes no argument/],
    ["%NOPE%", /%NOPE% is not a command operator/],
    ["%constructor%", /begins no command/],
  ] as const) {
    assert.throws(() => compileFormat(format, LOG_FORMAT), expected, format);
  }
});

test("random text compiles or is refused, and never breaks", () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom("%", "%REQ(", ")%", "%START_TIME(", "%PROTOCOL%", ":3%", "?", "%%", "%Y"));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      let format;
      try {
        format = compileFormat(pieces.join(""), LOG_FORMAT);
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error);
        return;
      }
      assert.equal(typeof format.format(stream()), "string");
    }),
    { numRuns: 400 },
  );
});
