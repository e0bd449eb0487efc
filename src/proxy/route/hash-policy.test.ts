import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { RouteAction_HashPolicySchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { xxHash64 } from "#runtime/xx-hash64";
import { compileHashPolicy, type HashInput } from "./hash-policy.ts";

type Init = Exclude<MessageInitShape<typeof RouteAction_HashPolicySchema>, { $typeName: string }>;

function compile(...policies: Init[]) {
  const problems: string[] = [];
  const compiled = compileHashPolicy(
    policies.map((policy) => create(RouteAction_HashPolicySchema, policy)),
    "hash_policy",
    (path, message) => problems.push(`${path}: ${message}`),
  );
  return { compiled, problems };
}

function input(headers: Readonly<Record<string, readonly string[]>>, path = "/"): HashInput {
  return {
    headers: { path, getAll: (name: string) => headers[name] ?? [] } as unknown as RequestHeaderMap,
    remoteAddress: { address: "10.0.0.7", port: 4711 },
    localAddress: { address: "10.0.0.1", port: 80 },
  };
}

const HEADER: Init = { policySpecifier: { case: "header", value: { headerName: "X-User" } } };
const SOURCE: Init = { policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } };

test("each policy hashes its own part of the request", () => {
  const header = compile(HEADER).compiled!;
  assert.equal(header(input({ "x-user": ["jason"] })).hash, xxHash64("jason"));
  assert.equal(header(input({})).hash, undefined);
  assert.equal(header(input({ "x-user": ["a", "b"] })).hash, header(input({ "x-user": ["b", "a"] })).hash);
  assert.equal(compile(SOURCE).compiled!(input({})).hash, xxHash64("10.0.0.7"));
  const query = compile({ policySpecifier: { case: "queryParameter", value: { name: "id" } } }).compiled!;
  assert.equal(query(input({}, "/a?x=1&id=7#id=8")).hash, xxHash64("7"));
  assert.equal(query(input({}, "/a?idx=7")).hash, undefined);
});

test("several policies are combined in their order, and a terminal one with a value ends the list", () => {
  const both = compile(HEADER, SOURCE).compiled!(input({ "x-user": ["jason"] })).hash;
  assert.notEqual(both, compile(SOURCE, HEADER).compiled!(input({ "x-user": ["jason"] })).hash);
  const terminal = compile({ ...HEADER, terminal: true }, SOURCE).compiled!;
  assert.equal(terminal(input({ "x-user": ["jason"] })).hash, xxHash64("jason"));
  assert.equal(terminal(input({})).hash, xxHash64("10.0.0.7"));
});

test("a cookie that is missing is made when it has a lifetime, and only then", () => {
  const value = { name: "user", path: "/shop" };
  const asked = compile({ policySpecifier: { case: "cookie", value } }).compiled!;
  assert.deepEqual(asked(input({})), { hash: undefined, cookies: [] });
  assert.equal(asked(input({ cookie: ["a=b; user=jason; c=d"] })).hash, xxHash64("jason"));
  assert.equal(asked(input({ cookie: ['user="jason"'] })).hash, xxHash64("jason"));
  const made = compile({ policySpecifier: { case: "cookie", value: { ...value, ttl: { seconds: 60n } } } }).compiled!(input({}));
  const [cookie] = made.cookies;
  assert.match(cookie ?? "", /^user="[0-9a-f]{16}"; Max-Age=60; Path=\/shop; HttpOnly$/u);
  assert.equal(made.hash, xxHash64(cookie!.slice(6, 22)));
  const session = compile({ policySpecifier: { case: "cookie", value: { name: "user", ttl: {} } } }).compiled!(input({}));
  assert.match(session.cookies[0] ?? "", /^user="[0-9a-f]{16}"; HttpOnly$/u);
});

test("what filters left counts, and so does what a regular expression leaves of a header", () => {
  const left = compile({ policySpecifier: { case: "filterState", value: { key: "k" } } }).compiled!;
  const filterState = { getHashable: (key: string) => (key === "k" ? "v" : undefined) };
  assert.equal(left({ ...input({}), filterState }).hash, xxHash64("v"));
  assert.equal(left(input({})).hash, undefined);
  const regexRewrite = { pattern: { regex: "-.*" }, substitution: "" };
  const short = compile({ policySpecifier: { case: "header", value: { headerName: "x-user", regexRewrite } } }).compiled!;
  assert.equal(short(input({ "x-user": ["jason-1"] })).hash, xxHash64("jason"));
});

test("a policy that is none is refused", () => {
  assert.deepEqual(compile({}).problems, ["hash_policy[0]: a policy without a specifier is not served by this proxy"]);
  assert.deepEqual(compile({ policySpecifier: { case: "filterState", value: {} } }).problems, [
    "hash_policy[0].filter_state.key: must not be empty",
  ]);
});

test("a cookie that is made carries the attributes that it is given", () => {
  const value = { name: "user", ttl: { seconds: 60n }, attributes: [{ name: "SameSite", value: "Strict" }] };
  const [cookie] = compile({ policySpecifier: { case: "cookie", value } }).compiled!(input({})).cookies;
  assert.match(cookie ?? "", /^user="[0-9a-f]{16}"; Max-Age=60; SameSite=Strict; HttpOnly$/u);
});
