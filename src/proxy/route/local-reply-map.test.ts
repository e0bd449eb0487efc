import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { LocalReplyConfigSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { LocalReply } from "#proxy/http/filter";
import { LOCAL_REPLIES } from "#proxy/http/local-reply";
import type { LocalReplyMap } from "#proxy/http/local-reply";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { seededRandom } from "#runtime/random";
import { compileLocalReplyMap } from "./local-reply-map.ts";

const CONTEXT = { runtime: NO_RUNTIME, random: seededRandom(1) };

const address = { address: "10.0.0.1", port: 1 };
const record = (): StreamRecord =>
  new StreamRecord(0, 0, { local: address, remote: address, directRemote: address, requestedServerName: undefined, tls: undefined });
const compile = (json: JsonValue): LocalReplyMap | undefined => compileLocalReplyMap(fromJson(LocalReplyConfigSchema, json), "p");
const status = (value: number): JsonValue => ({
  statusCodeFilter: { comparison: { op: "EQ", value: { defaultValue: value, runtimeKey: "x" } } },
});

test("the first mapper that takes an answer changes its status, body and headers", () => {
  const map = compile({
    mappers: [
      { filter: status(503), statusCode: 429, body: { inlineString: "come back later" } },
      { filter: { responseFlagFilter: { flags: ["NR"] } }, headersToAdd: [{ header: { key: "x-why", value: "no route" } }] },
      { filter: status(404), body: { inlineString: "never" } },
    ],
  });
  assert.ok(map !== undefined);
  const overloaded = map(LOCAL_REPLIES.noHealthyUpstream, record(), new PairResponseHeaderMap(503), CONTEXT);
  assert.deepEqual([overloaded.status, overloaded.body, overloaded.flag], [429, "come back later", "UH"]);
  const info = record();
  info.flags.add("NR");
  const headers = new PairResponseHeaderMap(404);
  const missing = map(LOCAL_REPLIES.routeNotFound, info, headers, CONTEXT);
  assert.deepEqual([missing, headers.get("x-why")], [LOCAL_REPLIES.routeNotFound, "no route"]);
  assert.equal(map(LOCAL_REPLIES.requestTimeout, record(), new PairResponseHeaderMap(408), CONTEXT), LOCAL_REPLIES.requestTimeout);
});

test("bodies are formatted, by a mapper's own format or by that of all, as text or as JSON", () => {
  const map = compile({
    bodyFormat: { jsonFormat: { status: "%RESPONSE_CODE%", message: "%LOCAL_REPLY_BODY%" } },
    mappers: [
      {
        filter: status(503),
        statusCode: 429,
        bodyFormatOverride: { textFormatSource: { inlineString: "<p>%RESPONSE_CODE% %LOCAL_REPLY_BODY%</p>" }, contentType: "text/html" },
      },
      { filter: status(404), statusCode: 410, body: { inlineString: "gone" } },
    ],
  });
  assert.ok(map !== undefined);
  const of = (reply: LocalReply): unknown => {
    const { status: code, body, contentType } = map(reply, record(), new PairResponseHeaderMap(reply.status), CONTEXT);
    return [code, body, contentType];
  };
  assert.deepEqual(of(LOCAL_REPLIES.noHealthyUpstream), [429, "<p>429 no healthy upstream</p>", "text/html"]);
  assert.deepEqual(of(LOCAL_REPLIES.routeNotFound), [410, '{"status":410,"message":"gone"}\n', "application/json"]);
  assert.deepEqual(of(LOCAL_REPLIES.requestTimeout), [408, '{"status":408,"message":"request timeout"}\n', "application/json"]);
  const bang = compile({ bodyFormat: { textFormat: "%LOCAL_REPLY_BODY%!" } })!;
  const plain = bang(LOCAL_REPLIES.requestTimeout, record(), new PairResponseHeaderMap(408), CONTEXT);
  assert.deepEqual([plain.body, plain.contentType], ["request timeout!", "text/plain"]);
});

test("nothing to map is nothing; what cannot be honoured is refused with its path", () => {
  assert.equal(compileLocalReplyMap(undefined, "p"), undefined);
  assert.equal(compile({}), undefined);
  const bad = {
    bodyFormat: { textFormat: "%NO_SUCH_THING%" },
    mappers: [{ statusCode: 700 }, { filter: status(1), bodyFormatOverride: {} }],
  };
  assert.throws(
    () => compile(bad),
    /p\.body_format.*p\.mappers\[0\]\.filter.*p\.mappers\[0\]\.status_code.*p\.mappers\[1\]\.body_format_override/,
  );
});
