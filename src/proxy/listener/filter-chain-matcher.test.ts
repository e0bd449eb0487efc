import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { FilterChainSchema } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { MatcherSchema } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import type { ChainInput } from "./filter-chain-match.ts";
import { compileFilterChainMatcher } from "./filter-chain-matcher.ts";

const extension = (type: string, config: JsonObject = {}): JsonObject => ({
  name: "x",
  typed_config: { "@type": `type.googleapis.com/${type}`, ...config },
});
const input = (name: string): JsonObject => extension(`envoy.extensions.matching.common_inputs.network.v3.${name}`);
const chain = (value: string): JsonObject => ({ action: extension("google.protobuf.StringValue", { value }) });
const when = (name: string, exact: string): JsonObject => ({
  matcher_list: { matchers: [{ predicate: { single_predicate: { input: input(name), value_match: { exact } } }, on_match: chain("b") }] },
});

interface Compiled {
  readonly take: (facts: Partial<ChainInput>) => number | undefined;
  readonly problems: readonly string[];
}

function compile(filter_chain_matcher: JsonObject, ...names: string[]): Compiled {
  const problems: string[] = [];
  const matcher = compileFilterChainMatcher(
    fromJson(MatcherSchema, filter_chain_matcher, { registry: configRegistry }),
    names.map((name) => create(FilterChainSchema, { name })),
    (path, message) => problems.push(`${path}: ${message}`),
  );
  return {
    problems,
    take: (facts) =>
      matcher({
        destination: { address: "10.0.0.1", port: 8080 },
        source: { address: "10.9.9.9", port: 4000 },
        directSource: { address: "10.8.8.8", port: 5000 },
        serverName: "",
        transportProtocol: "raw_buffer",
        applicationProtocols: [],
        ...facts,
      }),
  };
}

test("filter_chain_matcher names the chain that takes a connection, over each input of the network", () => {
  const rows: [name: string, value: string, facts: Partial<ChainInput>][] = [
    ["DestinationIPInput", "10.0.0.1", {}],
    ["DestinationPortInput", "8080", {}],
    ["SourceIPInput", "10.9.9.9", {}],
    ["SourcePortInput", "4000", {}],
    ["DirectSourceIPInput", "10.8.8.8", {}],
    ["SourceTypeInput", "local", { source: { address: "127.0.0.1", port: 1 } }],
    ["ServerNameInput", "www.example.com", { serverName: "WWW.example.com" }],
    ["TransportProtocolInput", "tls", { transportProtocol: "tls" }],
    ["ApplicationProtocolInput", "'h2','http/1.1'", { applicationProtocols: ["h2", "http/1.1"] }],
  ];
  for (const [name, value, facts] of rows) {
    const { take, problems } = compile(when(name, value), "a", "b");
    assert.deepEqual(problems, []);
    assert.equal(take(facts), 1, name);
    assert.equal(compile(when(name, "other"), "a", "b").take(facts), undefined, name);
  }
});

test("what is not known of a connection matches nothing, and a name that no chain has takes nobody", () => {
  const pipe = { address: "/tmp/s", port: 0 };
  assert.equal(compile(when("SourcePortInput", "0"), "b").take({ source: pipe }), undefined);
  assert.equal(compile(when("SourceTypeInput", "local"), "b").take({}), undefined);
  assert.equal(compile(when("DestinationPortInput", "8080"), "a").take({}), -1);
});

test("chains need names of their own, and inputs and actions of other kinds are refused", () => {
  assert.deepEqual(compile({ on_no_match: chain("b") }, "b", "", "b").problems, [
    "filter_chains[1].name: must not be empty where there is a filter_chain_matcher",
    'filter_chains[2].name: "b" is there twice',
  ]);
  const at = "filter_chain_matcher.matcher_tree";
  assert.deepEqual(
    compile(
      {
        matcher_tree: {
          input: extension("envoy.extensions.matching.common_inputs.network.v3.FilterStateInput", { key: "k" }),
          exact_match_map: { map: { x: { action: extension("google.protobuf.BoolValue", { value: true }) } } },
        },
      },
      "b",
    ).problems,
    [
      `${at}.input.typed_config: a filter chain matcher cannot ask for envoy.extensions.matching.common_inputs.network.v3.FilterStateInput`,
      `${at}.exact_match_map.map["x"].action.typed_config: must be the name of a filter chain in a google.protobuf.StringValue, not google.protobuf.BoolValue`,
    ],
  );
});
