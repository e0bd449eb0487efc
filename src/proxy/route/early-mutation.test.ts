import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { HeaderMutationSchema } from "#envoy/gen/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import { compileEarlyMutation } from "./early-mutation.ts";

type Mutations = NonNullable<MessageInitShape<typeof HeaderMutationSchema>["mutations"]>;

const extension = (mutations: Mutations): TypedExtensionConfig =>
  create(TypedExtensionConfigSchema, {
    name: "m",
    typedConfig: anyPack(HeaderMutationSchema, create(HeaderMutationSchema, { mutations })),
  });

test("edits run one after the other, in their order", () => {
  const append = (value: string): Mutations[number] => ({ action: { case: "append", value: { header: { key: "x", value } } } });
  const remove: Mutations[number] = { action: { case: "remove", value: "x" } };
  const mutation = compileEarlyMutation([extension([append("1"), remove]), extension([append("2")])], "p");
  const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http", upgrade: undefined }, [["x", "0"]]);
  mutation?.applyToRequest(headers, { requestHeaders: headers } as unknown as StreamInfo);
  assert.deepEqual(headers.getAll("x"), ["2"]);
});

test("nothing to do is nothing; what is not known is refused with its path", () => {
  assert.equal(compileEarlyMutation([], "p"), undefined);
  const bad = [create(TypedExtensionConfigSchema, { name: "x" }), extension([]), extension([{}])];
  assert.throws(
    () => compileEarlyMutation(bad, "p"),
    /p\[0\]\.typed_config.*p\[1\]\.typed_config\.mutations.*p\[2\]\.typed_config\.mutations\[0\]: remove or append/,
  );
});
