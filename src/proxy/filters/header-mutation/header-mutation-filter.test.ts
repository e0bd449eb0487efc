import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import {
  HeaderMutationPerRouteSchema,
  HeaderMutationSchema,
} from "#envoy/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { FilterConfigs } from "#proxy/route/filter-config";
import { headerMutationFilterCompiler } from "./header-mutation-filter.ts";

const append = (key: string, value: string, appendAction = "OVERWRITE_IF_EXISTS_OR_ADD"): JsonObject => ({
  append: { header: { key, value }, appendAction },
});
const compile = (json: JsonValue) =>
  headerMutationFilterCompiler.compile("m", pack(HeaderMutationSchema, fromJson(HeaderMutationSchema, json)), "c");
const level = (mutations: JsonObject): FilterConfigs =>
  FilterConfigs.of({
    m: headerMutationFilterCompiler.compileRouteConfig?.(
      pack(HeaderMutationPerRouteSchema, fromJson(HeaderMutationPerRouteSchema, { mutations })),
      "r",
    ),
  });

test("edits apply in their order, pseudo headers among them", () => {
  const stream = new FakeFilterStream();
  stream.headers.set("a", "1");
  stream.info.requestHeaders = stream.headers;
  const requestMutations = [append("b", "%REQ(a)%"), { remove: "a" }, append("a", "2", "ADD_IF_ABSENT"), append(":path", "/new")];
  void compile({ mutations: { requestMutations } }).create(stream)?.onRequestHeaders?.(stream.headers, true);
  assert.deepEqual([stream.headers.get("a"), stream.headers.get("b"), stream.headers.path], ["2", "1", "/new"]);
});

test("all levels of the route apply, the least specific last unless the most specific wins", () => {
  const filterConfig = level({ responseMutations: [append("x", "route"), append("y", "route")] }).over(
    level({ responseMutations: [append("x", "host")] }),
  );
  for (const [mostSpecificHeaderMutationsWins, expected] of [
    [false, "host"],
    [true, "route"],
  ] as const) {
    const config = { mutations: { responseMutations: [append("x", "filter"), append("z", "filter")] }, mostSpecificHeaderMutationsWins };
    const response = new PairResponseHeaderMap(200);
    void compile(config).create(new FakeFilterStream({ filterConfig }))?.onResponseHeaders?.(response, true);
    assert.deepEqual([response.get("x"), response.get("y"), response.get("z")], [expected, "route", "filter"]);
  }
});

test("a response format sees the response", () => {
  const response = new PairResponseHeaderMap(200, [["server", "s"]]);
  void compile({ mutations: { responseMutations: [append("x", "%RESP(server)%")] } })
    .create(new FakeFilterStream())
    ?.onResponseHeaders?.(response, true);
  assert.equal(response.get("x"), "s");
});

test("broken mutations are refused by name", () => {
  assert.throws(
    () => compile({ mutations: { requestMutations: [{}, append("a", "%NOPE%"), append("b c", "x")] } }),
    /c\.mutations\.request_mutations\[0\]: remove or append.*\[1\]\.append\.header\.value.*\[2\]\.append\.header\.key/,
  );
});
