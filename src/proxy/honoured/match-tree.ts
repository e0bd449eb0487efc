import { harmless, honoured } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

const TREE = "src/matcher/match-tree.test.ts";
const NETWORK = "envoy.extensions.matching.common_inputs.network.v3";
const SSL = "envoy.extensions.matching.common_inputs.ssl.v3";

export const MATCH_TREE_FIELDS: FieldTable = {
  [`${NETWORK}.ApplicationProtocolInput`]: [],
  [`${NETWORK}.DestinationIPInput`]: [],
  [`${NETWORK}.DestinationPortInput`]: [],
  [`${NETWORK}.DirectSourceIPInput`]: [],
  [`${NETWORK}.FilterStateInput`]: [honoured("src/proxy/rbac/matcher-rules.test.ts", "key")],
  [`${NETWORK}.ServerNameInput`]: [],
  [`${NETWORK}.SourceIPInput`]: [],
  [`${NETWORK}.SourcePortInput`]: [],
  [`${NETWORK}.SourceTypeInput`]: [],
  [`${NETWORK}.TransportProtocolInput`]: [],
  [`${SSL}.DnsSanInput`]: [],
  [`${SSL}.SubjectInput`]: [],
  [`${SSL}.UriSanInput`]: [],
  "envoy.config.rbac.v3.Action": [
    harmless("names policies in metadata that is not written", "name"),
    honoured("src/proxy/rbac/matcher-rules.test.ts", "action"),
  ],
  "envoy.extensions.matching.input_matchers.ip.v3.Ip": [
    honoured(TREE, "cidr_ranges"),
    harmless("counts inputs that are no addresses, which is not done", "stat_prefix"),
  ],
  "xds.core.v3.CidrRange": [honoured(TREE, "address_prefix", "prefix_len")],
  "xds.core.v3.TypedExtensionConfig": [harmless("of the extension, whose type decides", "name"), honoured(TREE, "typed_config")],
  "xds.type.matcher.v3.IPMatcher": [honoured(TREE, "range_matchers")],
  "xds.type.matcher.v3.IPMatcher.IPRangeMatcher": [honoured(TREE, "ranges", "on_match", "exclusive")],
  "xds.type.matcher.v3.Matcher": [honoured(TREE, "matcher_list", "matcher_tree", "on_no_match")],
  "xds.type.matcher.v3.Matcher.MatcherList": [honoured(TREE, "matchers")],
  "xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher": [honoured(TREE, "predicate", "on_match")],
  "xds.type.matcher.v3.Matcher.MatcherList.Predicate": [honoured(TREE, "single_predicate", "or_matcher", "and_matcher", "not_matcher")],
  "xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList": [honoured(TREE, "predicate")],
  "xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate": [honoured(TREE, "input", "value_match", "custom_match")],
  "xds.type.matcher.v3.Matcher.MatcherTree": [honoured(TREE, "input", "exact_match_map", "prefix_match_map", "custom_match")],
  "xds.type.matcher.v3.Matcher.MatcherTree.MatchMap": [honoured(TREE, "map")],
  "xds.type.matcher.v3.Matcher.OnMatch": [honoured(TREE, "matcher", "action")],
  "xds.type.matcher.v3.RegexMatcher": [
    harmless("its own limits on programs are Envoy's; RE2 is spoken in any case", "google_re2"),
    honoured(TREE, "regex"),
  ],
  "xds.type.matcher.v3.RegexMatcher.GoogleRE2": [],
  "xds.type.matcher.v3.ServerNameMatcher": [honoured(TREE, "domain_matchers")],
  "xds.type.matcher.v3.ServerNameMatcher.DomainMatcher": [honoured(TREE, "domains", "on_match")],
  "xds.type.matcher.v3.StringMatcher": [honoured(TREE, "exact", "prefix", "suffix", "safe_regex", "contains", "ignore_case")],
};
