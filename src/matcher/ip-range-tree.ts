// xds.type.matcher.v3.IPMatcher: the branch of the longest range that holds the address, then of the next longer one, in the order of the
// configuration where they are alike. An exclusive range counts only where it is the longest.
import { unpack } from "#envoy/any";
import { IPMatcherSchema } from "#envoy/gen/xds/type/matcher/v3/ip_pb";
import { compileAddressRanges } from "./cidr.ts";
import { ofText } from "./match-input.ts";
import type { CustomTreeOptions, MatchTree } from "./match-tree.ts";

interface Range<Data, Action> {
  readonly length: number;
  readonly contains: (address: string) => boolean;
  readonly exclusive: boolean;
  readonly tree: MatchTree<Data, Action>;
}

export function ipRangeTree<Data, Action>(options: CustomTreeOptions<Data, Action>): MatchTree<Data, Action> | undefined {
  const { config, input, compileOnMatch, path, report } = options;
  const wire = unpack(config, IPMatcherSchema);
  if (wire === undefined) return undefined;
  const ranges: Range<Data, Action>[] = [];
  for (const [index, { ranges: list, onMatch, exclusive }] of wire.rangeMatchers.entries()) {
    const at = `${path}.range_matchers[${index}]`;
    if (list.length === 0) report(`${at}.ranges`, "must not be empty");
    const tree = compileOnMatch(onMatch, `${at}.on_match`);
    for (const [which, range] of list.entries()) {
      try {
        ranges.push({ length: range.prefixLen ?? 0, contains: compileAddressRanges([range]), exclusive, tree });
      } catch (error) {
        report(`${at}.ranges[${which}]`, error instanceof Error ? error.message : String(error));
      }
    }
  }
  ranges.sort((a, b) => b.length - a.length);
  return ofText(input, (data, address) => {
    let longest = true;
    for (const { contains, exclusive, tree } of ranges) {
      if ((exclusive && !longest) || !contains(address)) continue;
      const action = tree(data);
      if (action !== undefined) return action;
      longest = false;
    }
    return undefined;
  });
}
