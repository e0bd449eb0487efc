import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { MatcherSchema } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { FilterState } from "#proxy/http/filter-state";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import { compileMatcherRules } from "./matcher-rules.ts";

const extension = (type: string, config: JsonObject = {}): JsonObject => ({
  name: "x",
  typed_config: { "@type": `type.googleapis.com/${type}`, ...config },
});
const rbacAction = (action: string): JsonObject => ({ action: extension("envoy.config.rbac.v3.Action", { name: "p", action }) });
const input = (name: string, config: JsonObject = {}): JsonObject =>
  extension(
    `envoy.extensions.matching.common_inputs.${name.endsWith("Input") && /San|Subject/.test(name) ? "ssl" : "network"}.v3.${name}`,
    config,
  );
const map = (one: JsonObject, entries: JsonObject): JsonObject => ({ matcher_tree: { input: one, exact_match_map: { map: entries } } });

const address = (last: number): { address: string; port: number } => ({ address: `10.0.0.${last}`, port: last });
const connection = (more: Partial<ConnectionInfo> = {}): ConnectionInfo => ({
  local: address(1),
  remote: address(2),
  directRemote: address(3),
  requestedServerName: undefined,
  tls: undefined,
  ...more,
});

function compile(json: JsonObject, shadow = false): { rules: (info: ConnectionInfo) => boolean; problems: string[] } {
  const problems: string[] = [];
  const wire = fromJson(MatcherSchema, json, { registry: configRegistry });
  return { rules: compileMatcherRules(wire, "matcher", (path, message) => problems.push(`${path}: ${message}`), shadow), problems };
}

test("an action of the matcher allows or denies, and what comes to no action is denied", () => {
  const { rules, problems } = compile(map(input("SourceIPInput"), { "10.0.0.2": rbacAction("ALLOW"), "10.0.0.3": rbacAction("DENY") }));
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [2, 3, 4].map((last) => rules(connection({ remote: address(last) }))),
    [true, false, false],
  );
});

test("a peer's certificate, its server name and filter state can be asked for", () => {
  const names = { URI: ["spiffe://a", "spiffe://b"], DNS: ["a.example"] };
  const peer = { subject: "CN=a", names: (type: "URI" | "DNS") => names[type] };
  const tls = { peer } as unknown as TlsInfo;
  const filterState = new FilterState();
  filterState.set("k", "v", true);
  const rows: [one: JsonObject, value: string, info: ConnectionInfo][] = [
    [input("UriSanInput"), "spiffe://a,spiffe://b", connection({ tls })],
    [input("DnsSanInput"), "a.example", connection({ tls })],
    [input("SubjectInput"), "CN=a", connection({ tls })],
    [input("ServerNameInput"), "a.example", connection({ requestedServerName: "a.example" })],
    [input("FilterStateInput", { key: "k" }), "v", connection({ filterState })],
    [input("DirectSourceIPInput"), "10.0.0.3", connection()],
  ];
  for (const [one, value, info] of rows) {
    const { rules, problems } = compile(map(one, { [value]: rbacAction("ALLOW") }));
    assert.deepEqual(problems, []);
    assert.equal(rules(info), true, value);
  }
  const otherwise = { ...map(input("SubjectInput"), { x: rbacAction("DENY") }), on_no_match: rbacAction("ALLOW") };
  assert.equal(compile(otherwise).rules(connection({ tls: {} as TlsInfo })), true);
  assert.equal(compile(otherwise).rules(connection()), false, "plain text: nobody can say");
});

test("where an action is LOG every connection says whether it is logged, but for shadows", () => {
  const json = map(input("SourceIPInput"), { "10.0.0.2": rbacAction("LOG"), "10.0.0.3": rbacAction("ALLOW") });
  const hint = (last: number, shadow: boolean): [boolean, unknown] => {
    const info = connection({ remote: address(last) });
    return [compile(json, shadow).rules(info), info.dynamicMetadata?.["envoy.common"]?.["access_log_hint"]];
  };
  assert.deepEqual(
    [hint(2, false), hint(3, false), hint(4, false), hint(2, true)],
    [
      [true, true],
      [true, false],
      [false, false],
      [true, undefined],
    ],
  );
});

test("inputs that a connection does not have, and actions of other kinds, are refused", () => {
  const { problems } = compile({
    ...map(input("TransportProtocolInput"), { tls: { action: extension("google.protobuf.StringValue", { value: "x" }) } }),
    on_no_match: { action: extension("envoy.config.rbac.v3.Action") },
  });
  assert.deepEqual(problems.sort(), [
    'matcher.matcher_tree.exact_match_map.map["tls"].action.typed_config: must be an envoy.config.rbac.v3.Action, not google.protobuf.StringValue',
    "matcher.matcher_tree.input.typed_config: a network RBAC filter cannot ask for envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput",
    "matcher.on_no_match.action.typed_config.name: must not be empty",
  ]);
});
