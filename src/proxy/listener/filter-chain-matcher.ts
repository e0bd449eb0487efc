// filter_chain_matcher: a matcher tree in the place of what chains themselves say of their connections (filter_chain_match, which Envoy then
// passes over). Its actions name chains; a name that no chain has leaves the connection without one, also where there is a default chain.
import type { Any } from "@bufbuild/protobuf/wkt";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { nameOf, unpack } from "#envoy/any";
import type { FilterChain } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { Matcher } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compileMatchTree } from "#matcher/match-tree";
import type { ReportViolation } from "#matcher/string-matcher";
import type { FilterChainMatcher } from "./filter-chain-match.ts";
import { CHAIN_INPUTS, inputOf } from "./network-inputs.ts";

/** See FilterChainMatcher. */
const NO_SUCH_CHAIN = -1;

export function compileFilterChainMatcher(wire: Matcher, chains: readonly FilterChain[], report: ReportViolation): FilterChainMatcher {
  const byName = new Map<string, number>();
  for (const [index, { name }] of chains.entries()) {
    if (name === "") report(`filter_chains[${index}].name`, "must not be empty where there is a filter_chain_matcher");
    else if (byName.has(name)) report(`filter_chains[${index}].name`, `"${name}" is there twice`);
    byName.set(name, index);
  }
  const action = (config: Any, path: string, refuse: ReportViolation): number | undefined => {
    const name = unpack(config, StringValueSchema);
    if (name === undefined)
      refuse(path, `must be the name of a filter chain in a google.protobuf.StringValue, not ${nameOf(config.typeUrl)}`);
    return name === undefined ? undefined : (byName.get(name.value) ?? NO_SUCH_CHAIN);
  };
  const tree = compileMatchTree(wire, { input: inputOf(CHAIN_INPUTS, "a filter chain matcher"), action }, "filter_chain_matcher", report);
  return (input) => tree(input) ?? undefined;
}
