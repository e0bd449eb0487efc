// xds.type.matcher.v3.ServerNameMatcher: the name itself, then `*.` before what follows one of its dots, the longest first, then `*`.
import { unpack } from "#envoy/any";
import { ServerNameMatcherSchema } from "#envoy/gen/xds/type/matcher/v3/domain_pb";
import { ofText } from "./match-input.ts";
import type { CustomTreeOptions, MatchTree } from "./match-tree.ts";

export function serverNameTree<Data, Action>(options: CustomTreeOptions<Data, Action>): MatchTree<Data, Action> | undefined {
  const { config, input, compileOnMatch, path, report } = options;
  const wire = unpack(config, ServerNameMatcherSchema);
  if (wire === undefined) return undefined;
  const trees = new Map<string, MatchTree<Data, Action>>();
  for (const [index, { domains, onMatch }] of wire.domainMatchers.entries()) {
    const at = `${path}.domain_matchers[${index}]`;
    if (domains.length === 0) report(`${at}.domains`, "must not be empty");
    const tree = compileOnMatch(onMatch, `${at}.on_match`);
    for (const [which, domain] of domains.entries()) {
      if (trees.has(domain)) report(`${at}.domains[${which}]`, `"${domain}" is there twice`);
      else if (!/^(\*|(\*\.)?[^*]+)$/.test(domain)) report(`${at}.domains[${which}]`, `"${domain}": must be a name, "*.name" or "*"`);
      trees.set(domain, tree);
    }
  }
  return ofText(input, (data, name) => {
    if (name === "") return undefined;
    let action = trees.get(name)?.(data);
    for (let dot = name.indexOf("."); action === undefined && dot >= 0; dot = name.indexOf(".", dot + 1))
      action = trees.get(`*${name.slice(dot)}`)?.(data);
    return action === undefined ? trees.get("*")?.(data) : action;
  });
}
