// Matcher trees: of filter chains, and of network RBAC.
import type { JsonObject } from "@bufbuild/protobuf";
import { extension, listener } from "../base.ts";
import type { Base } from "../base.ts";

const echo = extension("envoy.extensions.filters.network.echo.v3.Echo");
const network = (name: string, config: JsonObject = {}): JsonObject =>
  extension(`envoy.extensions.matching.common_inputs.network.v3.${name}`, config);
const chain = (value: string): JsonObject => ({ action: extension("google.protobuf.StringValue", { value }) });
const allow: JsonObject = { action: extension("envoy.config.rbac.v3.Action", { name: "p", action: "LOG" }) };
const range: JsonObject = { address_prefix: "10.0.0.0", prefix_len: 8 };
const when = (predicate: JsonObject): JsonObject => ({ matcher_list: { matchers: [{ predicate, on_match: chain("b") }] } });
const single = (value_match: JsonObject): JsonObject => ({ single_predicate: { input: network("ServerNameInput"), value_match } });
const [a, b] = [single({ exact: "a" }), single({ prefix: "b", ignore_case: true })];
const networks = extension("envoy.extensions.matching.input_matchers.ip.v3.Ip", { stat_prefix: "s", cidr_ranges: [range] });
const tree = (input: JsonObject, rest: JsonObject, onMatch = chain("b")): JsonObject => ({
  matcher_tree: { input, ...rest },
  on_no_match: onMatch,
});
const map = (onMatch: JsonObject): JsonObject => ({ exact_match_map: { map: { a: onMatch } } });

const TREES: readonly JsonObject[] = [
  when({ or_matcher: { predicate: [a, b] } }),
  when({ and_matcher: { predicate: [a, b] } }),
  when({ not_matcher: a }),
  when(single({ suffix: "a" })),
  when(single({ contains: "a" })),
  when(single({ safe_regex: { google_re2: {}, regex: "a" } })),
  when({ single_predicate: { input: network("SourceIPInput"), custom_match: networks } }),
  tree(network("DestinationIPInput"), {
    custom_match: extension("xds.type.matcher.v3.IPMatcher", {
      range_matchers: [{ ranges: [range], on_match: chain("b"), exclusive: true }],
    }),
  }),
  tree(network("ServerNameInput"), {
    custom_match: extension("xds.type.matcher.v3.ServerNameMatcher", { domain_matchers: [{ domains: ["*.a"], on_match: chain("b") }] }),
  }),
  tree(network("SourcePortInput"), { prefix_match_map: { map: { 1: { matcher: when(a) } } } }),
  ...["DestinationPortInput", "DirectSourceIPInput", "SourceTypeInput", "TransportProtocolInput", "ApplicationProtocolInput"].map((name) =>
    tree(network(name), map(chain("a"))),
  ),
];

const INPUTS: readonly JsonObject[] = [
  network("FilterStateInput", { key: "k" }),
  ...["UriSanInput", "DnsSanInput", "SubjectInput"].map((name) => extension(`envoy.extensions.matching.common_inputs.ssl.v3.${name}`)),
];

export const MATCH_TREES: readonly Base[] = [
  ...TREES.map((filter_chain_matcher) =>
    listener([], { filter_chains: ["a", "b"].map((name) => ({ name, filters: [echo] })), filter_chain_matcher }),
  ),
  ...INPUTS.map((input) =>
    listener([
      extension("envoy.extensions.filters.network.rbac.v3.RBAC", {
        stat_prefix: "r",
        matcher: tree(input, map(allow), allow),
        shadow_matcher: tree(input, map(allow), allow),
      }),
      echo,
    ]),
  ),
];
