import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import { setMetadataFilterCompiler } from "./set-metadata-filter.ts";

function metadata(json: JsonValue): { values: unknown; denied: number } {
  const stats = new FakeStats();
  const stream = new FakeFilterStream();
  const compiled = setMetadataFilterCompiler.compile("f", pack(ConfigSchema, fromJson(ConfigSchema, json)), "c");
  void compiled.withStats?.(stats, stream.thread).create(stream)?.onRequestHeaders?.(stream.headers, true);
  return { values: stream.info.dynamicMetadata, denied: stats.get("set_metadata.overwrite_denied") };
}

test("metadata is there for everything behind", () => {
  assert.deepEqual(metadata({ metadata: [{ metadataNamespace: "n", value: { a: 1, b: { c: "x" } } }] }), {
    values: { n: { a: 1, b: { c: "x" } } },
    denied: 0,
  });
});

test("a namespace that is taken is kept, or merged where overwriting is allowed", () => {
  const first = { metadataNamespace: "n", value: { a: 1, list: [1], s: { x: 1 } } };
  assert.deepEqual(metadata({ metadata: [first, { metadataNamespace: "n", value: { a: 2 } }] }), {
    values: { n: first.value },
    denied: 1,
  });
  assert.deepEqual(
    metadata({ metadata: [first, { metadataNamespace: "n", allowOverwrite: true, value: { a: 2, list: [2], s: { y: 2 } } }] }).values,
    { n: { a: 2, list: [1, 2], s: { x: 1, y: 2 } } },
  );
});

test("the deprecated fields work, and what is not served is refused", () => {
  assert.deepEqual(metadata({ metadataNamespace: "old", value: { a: true } }).values, { old: { a: true } });
  assert.throws(
    () => metadata({ metadata: [{ metadataNamespace: "", typedValue: {} }] }),
    /c\.metadata\[0\]\.metadata_namespace: must not be empty; c\.metadata\[0\]\.typed_value: not served/,
  );
});
