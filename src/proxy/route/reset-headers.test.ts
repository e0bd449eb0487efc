import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RetryPolicy_RateLimitedRetryBackOffSchema as Schema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { compileResetHeaders } from "./reset-headers.ts";

const resetHeaders = [
  { name: "Retry-After", format: 0 },
  { name: "x-ratelimit-reset", format: 1 },
];
const waits = (lines: [string, string][], maxSeconds?: bigint): number | undefined => {
  const config = create(Schema, { resetHeaders, ...(maxSeconds === undefined ? {} : { maxInterval: { seconds: maxSeconds } }) });
  const interval = compileResetHeaders(config, "p", (path, message) => {
    throw new Error(`${path}: ${message}`);
  });
  return interval?.(new PairResponseHeaderMap(429, lines), 1_000_500);
};

test("the first header that says something of use says how long to wait", () => {
  assert.equal(waits([["retry-after", "2"]]), 2000);
  assert.equal(waits([["x-ratelimit-reset", "1003"]]), 3000);
  assert.equal(
    waits([
      ["retry-after", "2"],
      ["x-ratelimit-reset", "1003"],
    ]),
    2000,
  );
  assert.equal(
    waits([
      ["retry-after", "soon"],
      ["x-ratelimit-reset", "1003"],
    ]),
    3000,
  );
  assert.equal(waits([["x-ratelimit-reset", "900"]]), undefined);
  assert.equal(waits([]), undefined);
});

test("nothing is said by a time that is longer than the longest", () => {
  assert.equal(waits([["retry-after", "301"]]), undefined);
  assert.equal(waits([["retry-after", "301"]], 400n), 301_000);
});
