import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { RateLimitSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { compileRateLimits } from "./rate-limit-actions.ts";

/** The descriptor of a request, as "key=value" texts; undefined: none. */
function describe(actions: JsonObject[], set: (stream: FakeFilterStream) => void = () => {}): string[] | undefined {
  const stream = new FakeFilterStream({ metadata: { m: { k: { deep: "of the route" } } } });
  set(stream);
  const [entry] = compileRateLimits([fromJson(RateLimitSchema, { actions })], "l", (path, message) => assert.fail(`${path}: ${message}`));
  const route = stream.route()!;
  const input = { headers: stream.headers, info: stream.info, route, routeInput: stream.routeInput, localCluster: "me" };
  return entry?.describe(input)?.map(({ key, value }) => `${key}=${value}`);
}

const metadata = (source: string, more: JsonObject = {}): JsonObject => ({
  metadata: { descriptorKey: "d", metadataKey: { key: "m", path: [{ key: "k" }, { key: "deep" }] }, source, ...more },
});

test("each kind of action says what Envoy's does", () => {
  assert.deepEqual(
    describe([
      { sourceCluster: {} },
      { destinationCluster: {} },
      { remoteAddress: {} },
      { maskedRemoteAddress: { v4PrefixMaskLen: 12 } },
      { genericKey: { descriptorValue: "v" } },
      { genericKey: { descriptorKey: "k", descriptorValue: "v" } },
    ]),
    ["source_cluster=me", "destination_cluster=c", "remote_address=10.1.2.3", "masked_remote_address=10.0.0.0/12", "generic_key=v", "k=v"],
  );
});

test("headers and query parameters match or do not", () => {
  const header = (expectMatch: boolean): JsonObject => ({
    headerValueMatch: { descriptorValue: "v", expectMatch, headers: [{ name: "x", stringMatch: { exact: "1" } }] },
  });
  const query = { queryParameterValueMatch: { descriptorValue: "q", queryParameters: [{ name: "a", presentMatch: true }] } };
  const one = (stream: FakeFilterStream): void => {
    stream.headers.set("x", "1");
    stream.headers.path = "/?a";
  };
  assert.deepEqual(describe([header(true), query], one), ["header_match=v", "query_match=q"]);
  assert.deepEqual([describe([header(false)], one), describe([header(true)]), describe([query])], [undefined, undefined, undefined]);
  assert.deepEqual(describe([header(false)]), ["header_match=v"]);
});

test("a header that is not there ends the descriptor, or is left out", () => {
  const action = (skipIfAbsent: boolean): JsonObject => ({ requestHeaders: { headerName: "X-User", descriptorKey: "u", skipIfAbsent } });
  const rest = { genericKey: { descriptorValue: "v" } };
  assert.equal(describe([action(false), rest]), undefined);
  assert.deepEqual(describe([action(true), rest]), ["generic_key=v"]);
  assert.deepEqual(
    describe([action(false), rest], (stream) => stream.headers.set("x-user", "jason")),
    ["u=jason", "generic_key=v"],
  );
});

test("metadata comes from the route or from filters, with a default", () => {
  assert.deepEqual(describe([metadata("ROUTE_ENTRY")]), ["d=of the route"]);
  assert.equal(describe([metadata("DYNAMIC")]), undefined);
  assert.deepEqual(describe([metadata("DYNAMIC", { defaultValue: "x" })]), ["d=x"]);
  assert.deepEqual(describe([metadata("DYNAMIC", { skipIfAbsent: true })]), []);
  const said = (stream: FakeFilterStream): void => void (stream.info.dynamicMetadata = { m: { k: { deep: "said" } } });
  assert.deepEqual(describe([metadata("DYNAMIC")], said), ["d=said"]);
});

test("what is wrong or unknown is reported with its path", () => {
  const problems: string[] = [];
  const wire = fromJson(RateLimitSchema, {
    stage: 11,
    actions: [{}, { extension: { name: "x" } }, { genericKey: {} }, { headerValueMatch: { descriptorValue: "v" } }],
  });
  compileRateLimits([wire], "l", (path) => void problems.push(path));
  assert.deepEqual(problems, [
    "l[0].stage",
    "l[0].actions[0]",
    "l[0].actions[1].extension",
    "l[0].actions[2].generic_key.descriptor_value",
    "l[0].actions[3].header_value_match.headers",
  ]);
});

test("an address is masked by the length for its family", () => {
  const masked = (address: string): string[] | undefined =>
    describe([{ maskedRemoteAddress: { v4PrefixMaskLen: 8, v6PrefixMaskLen: 16 } }], (stream) => {
      stream.info.downstreamRemote = { address, port: 1 };
    });
  assert.deepEqual(masked("10.1.2.3"), ["masked_remote_address=10.0.0.0/8"]);
  assert.deepEqual(masked("2001:db8::1"), ["masked_remote_address=2001::/16"]);
});
