import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { AccessLogSchema } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { file_envoy_extensions_access_loggers_file_v3_file as fileLog } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { file_envoy_extensions_access_loggers_stream_v3_stream as streamLog } from "#envoy/gen/envoy/extensions/access_loggers/stream/v3/stream_pb";
import { ConfigError } from "#proxy/config-error";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { runtimeValue } from "#proxy/runtime/runtime-value";
import { seededRandom } from "#runtime/random";
import { compileAccessLog } from "./access-log.ts";

const registry = createRegistry(fileLog, streamLog);
const FILE = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

function stream(): StreamRecord {
  const info = new StreamRecord(Date.UTC(2026, 0, 2, 3, 4, 5, 6), 1_000, {
    local: { address: "127.66.0.1", port: 8080 },
    remote: { address: "::1", port: 4711 },
    directRemote: { address: "::1", port: 4711 },
    requestedServerName: undefined,
    tls: undefined,
  });
  info.requestHeaders = new PairRequestHeaderMap(
    { method: "GET", path: "/reviews/0", authority: "reviews:9080", scheme: "http", upgrade: undefined },
    [
      ["user-agent", Buffer.from("é").toString("latin1")],
      ["x-envoy-original-path", "/old"],
    ],
  );
  info.responseHeaders = new PairResponseHeaderMap(503, [["x-envoy-upstream-service-time", "12"]]);
  info.protocol = "HTTP/1.1";
  info.responseCode = 503;
  info.responseCodeDetails = "no_healthy_upstream";
  info.flags.add("UH");
  info.flags.add("DI");
  info.bytesSent = 19;
  info.endMs = 1_034.9;
  return info;
}

/** What runtime layers say: nothing unless a test lets them. */
const layers = new CurrentRuntime();

function linesOf(info: StreamRecord, seed: number, ...entries: JsonObject[]): string[] {
  const written: string[] = [];
  const accessLogs = { open: (path: string) => ({ write: (line: string) => void written.push(`${path}|${line}`) }) };
  const configs = entries.map((entry) => fromJson(AccessLogSchema, entry, { registry }));
  compileAccessLog(configs, "access_log")
    .open({ accessLogs, runtime: layers, random: seededRandom(seed) })
    .log(info);
  return written;
}

function lines(...entries: JsonObject[]): string[] {
  return linesOf(stream(), 1, ...entries);
}

const file = (config: JsonObject, filter?: JsonObject): JsonObject => ({
  name: "envoy.access_loggers.file",
  typedConfig: { "@type": FILE, path: "/dev/stdout", ...config },
  ...(filter === undefined ? {} : { filter }),
});

test("Envoy's default text, with flags in Envoy's order and unknown values as a dash", () => {
  assert.deepEqual(lines(file({})), [
    '/dev/stdout|[2026-01-02T03:04:05.006Z] "GET /old HTTP/1.1" 503 UH,DI 0 19 34 12 "-" "é" "-" "reviews:9080" "-"\n',
  ]);
});

test("Istio's text format", () => {
  const inlineString =
    "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% %UPSTREAM_CLUSTER_RAW% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";
  assert.deepEqual(lines(file({ logFormat: { textFormatSource: { inlineString } } })), [
    "/dev/stdout|no_healthy_upstream - - 127.66.0.1:8080 [::1]:4711 - -\n",
  ]);
});

test("JSON keeps types, nests, and omits unknown values where told", () => {
  const jsonFormat = {
    code: "%RESPONSE_CODE%",
    none: "%ROUTE_NAME%",
    agent: "%REQ(USER-AGENT)%",
    text: "a %PROTOCOL%",
    deep: { list: ["%BYTES_SENT%", 1, true] },
  };
  assert.deepEqual(lines(file({ logFormat: { jsonFormat } })), [
    '/dev/stdout|{"code":503,"none":null,"agent":"é","text":"a HTTP/1.1","deep":{"list":[19,1,true]}}\n',
  ]);
  assert.deepEqual(lines(file({ logFormat: { jsonFormat: { none: "%ROUTE_NAME%", b: "%RESPONSE_CODE%" }, omitEmptyValues: true } })), [
    '/dev/stdout|{"b":503}\n',
  ]);
});

test("stdout and stderr loggers", () => {
  const type = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3";
  assert.deepEqual(
    lines(
      { name: "o", typedConfig: { "@type": `${type}.StdoutAccessLog`, logFormat: { textFormat: "o" } } },
      { name: "e", typedConfig: { "@type": `${type}.StderrAccessLog`, logFormat: { textFormat: "e" } } },
    ),
    ["/dev/stdout|o", "/dev/stderr|e"],
  );
});

test("filters choose the streams", () => {
  const code = (op: string, defaultValue: number): JsonObject => ({
    statusCodeFilter: { comparison: { op, value: { defaultValue, runtimeKey: "k" } } },
  });
  for (const [filter, expected] of [
    [code("GE", 500), 1],
    [code("EQ", 200), 0],
    [{ responseFlagFilter: { flags: ["NR"] } }, 0],
    [{ responseFlagFilter: { flags: ["UH", "NR"] } }, 1],
    [{ responseFlagFilter: {} }, 1],
    [{ durationFilter: { comparison: { op: "LE", value: { defaultValue: 33 } } } }, 0],
    [{ headerFilter: { header: { name: ":method", stringMatch: { exact: "GET" } } } }, 1],
    [{ andFilter: { filters: [code("GE", 500), code("LE", 502)] } }, 0],
    [{ orFilter: { filters: [code("GE", 504), { notHealthCheckFilter: {} }] } }, 1],
  ] as const) {
    assert.equal(lines(file({}, filter as JsonObject)).length, expected, JSON.stringify(filter));
  }
});

test("a comparison's value is what runtime layers say under its runtime_key", (t) => {
  t.after(() => layers.set(new Map()));
  const filter = { statusCodeFilter: { comparison: { op: "GE", value: { defaultValue: 400, runtimeKey: "k" } } } };
  assert.equal(lines(file({}, filter)).length, 1);
  layers.set(new Map([["k", runtimeValue(504, "")]]));
  assert.equal(lines(file({}, filter)).length, 0);
});

test("a runtime_filter writes a share of the streams, by the id of the request or with use_independent_randomness", (t) => {
  t.after(() => layers.set(new Map()));
  const writtenFor = (id: string, filter: JsonObject, seed = 1): number => {
    const info = stream();
    info.requestHeaders?.set("x-request-id", id);
    return linesOf(info, seed, file({}, { runtimeFilter: { runtimeKey: "k", ...filter } })).length;
  };
  const half = { percentSampled: { numerator: 5000, denominator: "TEN_THOUSAND" } };
  assert.equal(writtenFor("00000000-0", {}), 0, "without percent_sampled none");
  assert.equal(writtenFor("ffffffff-0", { percentSampled: { numerator: 100 } }), 1);
  // 0x1387 is 4999, 0x1388 is 5000.
  assert.deepEqual([writtenFor("00001387-0", half), writtenFor("00001388-0", half)], [1, 0]);
  const independent = { ...half, useIndependentRandomness: true };
  const some = Array.from({ length: 100 }, (_, at) => writtenFor("00001388-0", independent, at)).filter((count) => count === 1).length;
  assert.ok(some > 25 && some < 75, `${some}`);
  // The layers say the numerator alone.
  layers.set(new Map([["k", runtimeValue(5001, "")]]));
  assert.deepEqual([writtenFor("00001387-0", half), writtenFor("00001388-0", half)], [1, 1]);
});

test("everything that is wrong is refused at once, by name", () => {
  const bad = [file({ path: "" }), file({ format: "%NOPE%" }), file({}, { grpcStatusFilter: {} }), { name: "x" }];
  assert.throws(
    () => lines(...bad),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.violations.map(({ path }) => path),
        ["access_log[0].typed_config.path", "access_log[1].typed_config.format", "access_log[2].filter", "access_log[3].typed_config"],
      );
      return true;
    },
  );
});

test("JSON stands as it is written, or sorted by key where json_format_options say so", () => {
  const json = { b: "%PROTOCOL%", a: "%RESPONSE_CODE%" };
  const options = { jsonFormatOptions: { sortProperties: true } };
  assert.deepEqual(lines(file({ logFormat: { jsonFormat: json, ...options } })), ['/dev/stdout|{"a":503,"b":"HTTP/1.1"}\n']);
  assert.deepEqual(lines(file({ typedJsonFormat: { a: "%RESPONSE_CODE%" } })), ['/dev/stdout|{"a":503}\n']);
});
