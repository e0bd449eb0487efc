import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { compileFormat, LOG_FORMAT } from "#proxy/format/format";
import { readAccessLogOptions } from "./access-log-options.ts";
import { Client, FakeHcm } from "./hcm.fake.ts";
import { PairResponseHeaderMap } from "./pair-header-map.ts";
import type { StreamInfo } from "./stream-info.ts";

const FORMAT = compileFormat("%ACCESS_LOG_TYPE% %DURATION%", LOG_FORMAT);
const formatted = (info: StreamInfo | undefined): string => (info === undefined ? "" : FORMAT.format(info));
const seconds = (value: number, nanos = 0): { seconds: bigint; nanos: number } => ({ seconds: BigInt(value), nanos });

test("a request is logged as it begins with flushAccessLogOnNewRequest, and each accessLogFlushInterval while it lasts", () => {
  for (const hcmOptions of [
    { accessLogOptions: { accessLogFlushInterval: seconds(1), flushAccessLogOnNewRequest: true } },
    { accessLogFlushInterval: seconds(1), flushAccessLogOnNewRequest: true },
  ]) {
    const hcm = new FakeHcm({ hcm: hcmOptions });
    const seen = (): unknown[] => [
      hcm.logged.length,
      hcm.logged.at(-1)?.accessLogType,
      hcm.logged.at(-1)?.endMs,
      formatted(hcm.logged.at(-1)),
    ];
    hcm.send(new Client());
    assert.deepEqual(seen(), [1, "DownstreamStart", undefined, "DownstreamStart 0"]);
    hcm.clock.advance(1010);
    assert.deepEqual(seen(), [2, "DownstreamPeriodic", undefined, "DownstreamPeriodic 1005"]);
    hcm.clock.advance(1010);
    assert.equal(hcm.logged.length, 3);
    hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), true);
    assert.deepEqual(seen(), [4, "DownstreamEnd", hcm.clock.monotonicMs(), "DownstreamEnd 2020"]);
    hcm.clock.advance(5000);
    assert.equal(hcm.logged.length, 4);
    assert.deepEqual(hcm.leaks, []);
  }
});

test("without them a stream is logged at its end alone", () => {
  const hcm = new FakeHcm();
  hcm.send(new Client());
  hcm.clock.advance(5000);
  assert.equal(hcm.logged.length, 0);
  hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), true);
  assert.equal(hcm.logged.length, 1);
});

test("an interval below a millisecond is refused, and what is said both in the old way and in the new", () => {
  const problems: string[] = [];
  const read = (init: object): unknown =>
    readAccessLogOptions(create(HttpConnectionManagerSchema, init), (path, message) => problems.push(`${path}: ${message}`));
  read({ accessLogFlushInterval: seconds(0, 1) });
  read({ accessLogOptions: {}, flushAccessLogOnNewRequest: true });
  assert.deepEqual(problems, [
    "access_log_flush_interval: must be at least 1ms",
    "access_log_options: is set beside access_log_flush_interval or flush_access_log_on_new_request",
  ]);
  assert.equal(read({}), undefined);
});
