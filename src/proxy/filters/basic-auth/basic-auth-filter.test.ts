import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { BasicAuthPerRouteSchema, BasicAuthSchema } from "#envoy/gen/envoy/extensions/filters/http/basic_auth/v3/basic_auth_pb";
import { pack } from "#envoy/any";
import { FakeFilterStream } from "#proxy/http/filter-stream.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import { FilterConfigs } from "#proxy/route/filter-config";
import { basicAuthFilterCompiler } from "./basic-auth-filter.ts";

// htpasswd -nbs user1 test1, user2 test2
const USERS = { inlineString: "user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=\n# someone else\nuser2:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=\n" };
const compile = (json: JsonValue) => basicAuthFilterCompiler.compile("b", pack(BasicAuthSchema, fromJson(BasicAuthSchema, json)), "c");
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

function ask(authorization: string | undefined, routeUsers?: string): { outcome: string; stream: FakeFilterStream; counted: string } {
  const route = { users: { inlineString: routeUsers ?? "" } };
  const filterConfig = FilterConfigs.of(
    routeUsers === undefined
      ? {}
      : { b: basicAuthFilterCompiler.compileRouteConfig?.(pack(BasicAuthPerRouteSchema, fromJson(BasicAuthPerRouteSchema, route)), "r") },
  );
  const stream = new FakeFilterStream({ filterConfig });
  if (authorization !== undefined) stream.headers.set("authorization", authorization);
  const stats = new FakeStats();
  const filter = compile({ users: USERS, forwardUsernameHeader: "X-User" }).withStats?.(stats, stream.thread).create(stream);
  const reply = filter?.onRequestHeaders?.(stream.headers, true);
  assert.ok(!(reply instanceof Promise));
  if (reply !== undefined) assert.deepEqual(reply.headers, [["www-authenticate", 'Basic realm="http://a/"']]);
  const counted = `allowed ${stats.get("basic_auth.allowed")}, denied ${stats.get("basic_auth.denied")}`;
  return { outcome: reply === undefined ? "passes" : `${reply.status} ${reply.details}`, stream, counted };
}

test("a user with the right password passes, and the application is told who it is", () => {
  const { outcome, stream, counted } = ask(basic("user1:test1"));
  assert.deepEqual([outcome, stream.headers.get("x-user"), counted], ["passes", "user1", "allowed 1, denied 0"]);
});

test("everybody else is asked for credentials", () => {
  assert.deepEqual([ask(undefined).outcome, ask(undefined).counted], ["401 no_credential_for_basic_auth", "allowed 0, denied 1"]);
  assert.equal(ask("Bearer x").outcome, "401 invalid_scheme_for_basic_auth");
  assert.equal(ask(basic("user1")).outcome, "401 invalid_format_for_basic_auth");
  assert.equal(ask(basic("user1:test2")).outcome, "401 invalid_credential_for_basic_auth");
  assert.equal(ask(basic("nobody:test1")).outcome, "401 invalid_credential_for_basic_auth");
});

test("a route's users take the place of the filter's", () => {
  const users = "user1:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=";
  assert.equal(ask(basic("user1:test1"), users).outcome, "401 invalid_credential_for_basic_auth");
  assert.equal(ask(basic("user1:test2"), users).outcome, "passes");
});

test("broken lists of users are refused without telling what is in them", () => {
  for (const [users, expected] of [
    [{ inlineString: "user1:secret" }, /users, line 1: only \{SHA\}/],
    [{ inlineString: "user1" }, /users, line 1: must be/],
    [{ inlineString: `${USERS.inlineString}user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=` }, /line 4: the user is there twice/],
    [undefined, /users: must be set/],
  ] as const) {
    assert.throws(
      () => compile(users === undefined ? {} : { users }),
      (error: Error) => expected.test(error.message) && !error.message.includes("secret"),
    );
  }
});

test("a CONNECT has no path, and its realm is empty", () => {
  const stream = new FakeFilterStream({});
  stream.headers.method = "CONNECT";
  stream.headers.path = "";
  const reply = compile({ users: USERS }).create(stream)?.onRequestHeaders?.(stream.headers, true);
  assert.ok(reply !== undefined && !(reply instanceof Promise));
  assert.deepEqual(reply.headers, [["www-authenticate", 'Basic realm=""']]);
});
