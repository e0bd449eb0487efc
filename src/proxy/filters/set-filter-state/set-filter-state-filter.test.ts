import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb";
import { pack } from "#envoy/any";
import { compileFormat, LOG_FORMAT } from "#proxy/format/format";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { FilterState } from "#proxy/http/filter-state";
import { setFilterStateFilterCompiler } from "./set-filter-state-filter.ts";

const value = (objectKey: string, format: string, more: JsonObject = {}): JsonObject => ({
  objectKey,
  factoryKey: "envoy.string",
  formatString: { textFormatSource: { inlineString: format } },
  ...more,
});

function run(values: JsonObject[], stream = new FakeFilterStream()): FakeFilterStream {
  const config = pack(ConfigSchema, fromJson(ConfigSchema, { onRequestHeaders: values }));
  stream.headers.set("x-user", "jason");
  stream.info.requestHeaders = stream.headers;
  void setFilterStateFilterCompiler.compile("s", config, "c").create(stream)?.onRequestHeaders?.(stream.headers, true);
  return stream;
}

test("a computed text is there for formats, plain and as JSON", () => {
  const { info } = run([value("user", "u=%REQ(x-user)%")]);
  assert.equal(
    compileFormat("%FILTER_STATE(user:PLAIN)% %FILTER_STATE(user)% %FILTER_STATE(other)%", LOG_FORMAT).format(info),
    'u=jason "u=jason" -',
  );
});

test("empty values can be skipped, and read-only ones stay", () => {
  const skipped = { formatString: { textFormatSource: { inlineString: "%REQ(none)%" }, omitEmptyValues: true }, skipIfEmpty: true };
  const { info } = run([value("a", "", skipped), value("b", "1", { readOnly: true }), value("b", "2"), value("c", "1"), value("c", "2")]);
  assert.deepEqual([info.filterState?.get("a"), info.filterState?.get("b"), info.filterState?.get("c")], [undefined, "1", "2"]);
});

test("only text that is made to be hashed is there for hash policies", () => {
  const { info } = run([value("a", "1"), value("b", "2", { factoryKey: "envoy.hashable_string" })]);
  assert.deepEqual([info.filterState?.getHashable("a"), info.filterState?.getHashable("b")], [undefined, "2"]);
});

test("a stream sees its connection's state and does not change it", () => {
  const stream = new FakeFilterStream();
  const shared = new FilterState();
  shared.set("a", "connection", false);
  stream.connection.filterState = stream.info.filterState = shared;
  run([value("b", "stream")], stream);
  assert.deepEqual([stream.info.filterState?.get("a"), stream.info.filterState?.get("b")], ["connection", "stream"]);
  assert.equal(shared.get("b"), undefined);
});

test("kinds of objects that nothing here reads, and sharing with upstreams, are refused", () => {
  assert.throws(
    () =>
      run([
        value("x", "1", { factoryKey: "envoy.network.ip" }),
        value("y", "1", { sharedWithUpstream: "ONCE" }),
        { objectKey: "no.factory" },
      ]),
    /\[0\]\.factory_key: objects of kind "envoy\.network\.ip".*\[1\]\.shared_with_upstream.*\[2\]\.object_key.*\[2\]: needs a format_string/,
  );
});
