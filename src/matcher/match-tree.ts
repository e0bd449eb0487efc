// xds.type.matcher.v3.Matcher, compiled once: a tree of questions about what somebody knows (inputs), with what is to be done (actions) at
// its leaves. As Envoy's, a branch that comes to no action is left for the next one that matches, and at last for on_no_match.
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf } from "#envoy/any";
import type { TypedExtensionConfig } from "#envoy/gen/xds/core/v3/extension_pb";
import type { Matcher, Matcher_MatcherList, Matcher_MatcherTree, Matcher_OnMatch } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compilePredicate } from "./match-predicate.ts";
import { ofText } from "./match-input.ts";
import type { MatchInput } from "./match-input.ts";
import { serverNameTree } from "./server-name-tree.ts";
import { ipRangeTree } from "./ip-range-tree.ts";
import type { ReportViolation } from "./string-matcher.ts";

/** Undefined: nothing matches. Null: an input that was asked for cannot be had, and no other branch is tried. */
export type MatchTree<Data, Action> = (data: Data) => Action | undefined | null;

/** What a tree may ask, and what it may lead to. Both give undefined for what they have reported. */
export interface MatchVocabulary<Data, Action> {
  readonly input: (config: Any, path: string, report: ReportViolation) => MatchInput<Data> | undefined;
  readonly action: (config: Any, path: string, report: ReportViolation) => Action | undefined;
}

/** For a tree over one input, of a type of its own. */
export interface CustomTreeOptions<Data, Action> {
  readonly config: Any;
  readonly input: MatchInput<Data>;
  readonly compileOnMatch: (onMatch: Matcher_OnMatch | undefined, path: string) => MatchTree<Data, Action>;
  readonly path: string;
  readonly report: ReportViolation;
}

export function compileMatchTree<Data, Action>(
  wire: Matcher,
  vocabulary: MatchVocabulary<Data, Action>,
  path: string,
  report: ReportViolation,
): MatchTree<Data, Action> {
  const { matcherType, onNoMatch } = wire;
  const otherwise = onNoMatch === undefined ? undefined : compileOnMatch(onNoMatch, vocabulary, `${path}.on_no_match`, report);
  switch (matcherType.case) {
    case "matcherList":
      return orElse(compileList(matcherType.value, vocabulary, `${path}.matcher_list`, report), otherwise);
    case "matcherTree":
      return orElse(compileMap(matcherType.value, vocabulary, `${path}.matcher_tree`, report), otherwise);
    case undefined:
      return otherwise ?? nothing;
    default:
      return matcherType satisfies never;
  }
}

const nothing = (): undefined => undefined;

function orElse<Data, Action>(first: MatchTree<Data, Action>, otherwise: MatchTree<Data, Action> | undefined): MatchTree<Data, Action> {
  if (otherwise === undefined) return first;
  return (data) => {
    const action = first(data);
    return action === undefined ? otherwise(data) : action;
  };
}

function compileOnMatch<Data, Action>(
  wire: Matcher_OnMatch | undefined,
  vocabulary: MatchVocabulary<Data, Action>,
  path: string,
  report: ReportViolation,
): MatchTree<Data, Action> {
  const onMatch = wire?.onMatch;
  switch (onMatch?.case) {
    case "matcher":
      return compileMatchTree(onMatch.value, vocabulary, `${path}.matcher`, report);
    case "action": {
      const action = compileExtension(onMatch.value, vocabulary.action, `${path}.action`, report);
      return () => action;
    }
    case undefined:
      report(path, "must hold a matcher or an action");
      return nothing;
    default:
      return onMatch satisfies never;
  }
}

function compileExtension<Result>(
  wire: TypedExtensionConfig | undefined,
  compile: (config: Any, path: string, report: ReportViolation) => Result | undefined,
  path: string,
  report: ReportViolation,
): Result | undefined {
  if (wire?.typedConfig === undefined) {
    report(`${path}.typed_config`, "must be set");
    return undefined;
  }
  return compile(wire.typedConfig, `${path}.typed_config`, report);
}

function compileList<Data, Action>(
  { matchers }: Matcher_MatcherList,
  vocabulary: MatchVocabulary<Data, Action>,
  path: string,
  report: ReportViolation,
): MatchTree<Data, Action> {
  if (matchers.length === 0) report(`${path}.matchers`, "must not be empty");
  const input = (wire: TypedExtensionConfig | undefined, at: string): MatchInput<Data> =>
    compileExtension(wire, vocabulary.input, at, report) ?? nothing;
  const branches = matchers.map(({ predicate, onMatch }, index) => ({
    test: compilePredicate(predicate, input, `${path}.matchers[${index}].predicate`, report),
    tree: compileOnMatch(onMatch, vocabulary, `${path}.matchers[${index}].on_match`, report),
  }));
  return (data) => {
    for (const { test, tree } of branches) {
      const holds = test(data);
      const action = holds === null ? null : holds ? tree(data) : undefined;
      if (action !== undefined) return action;
    }
    return undefined;
  };
}

function compileMap<Data, Action>(
  { input: inputWire, treeType }: Matcher_MatcherTree,
  vocabulary: MatchVocabulary<Data, Action>,
  path: string,
  report: ReportViolation,
): MatchTree<Data, Action> {
  const input = compileExtension(inputWire, vocabulary.input, `${path}.input`, report) ?? nothing;
  const children = (map: Readonly<Record<string, Matcher_OnMatch>>, field: string): Map<string, MatchTree<Data, Action>> => {
    const entries = Object.entries(map);
    if (entries.length === 0) report(`${path}.${field}.map`, "must not be empty");
    return new Map(
      entries.map(([key, onMatch]) => [key, compileOnMatch(onMatch, vocabulary, `${path}.${field}.map[${JSON.stringify(key)}]`, report)]),
    );
  };
  switch (treeType.case) {
    case "exactMatchMap": {
      const map = children(treeType.value.map, "exact_match_map");
      return ofText(input, (data, text) => map.get(text)?.(data));
    }
    case "prefixMatchMap":
      return longestPrefix(input, children(treeType.value.map, "prefix_match_map"));
    case "customMatch": {
      const onMatch = (wire: Matcher_OnMatch | undefined, at: string): MatchTree<Data, Action> =>
        compileOnMatch(wire, vocabulary, at, report);
      const compile = (config: Any, at: string): MatchTree<Data, Action> | undefined =>
        compileCustom({ config, input, compileOnMatch: onMatch, path: at, report });
      return compileExtension(treeType.value, compile, `${path}.custom_match`, report) ?? nothing;
    }
    case undefined:
      report(path, "must hold one of exact_match_map, prefix_match_map, custom_match");
      return nothing;
    default:
      return treeType satisfies never;
  }
}

function compileCustom<Data, Action>(options: CustomTreeOptions<Data, Action>): MatchTree<Data, Action> | undefined {
  const { config, path, report } = options;
  try {
    const tree = ipRangeTree(options) ?? serverNameTree(options);
    if (tree === undefined) report(path, `a matcher of type ${nameOf(config.typeUrl)} is not served by this proxy`);
    return tree;
  } catch (error) {
    report(path, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function longestPrefix<Data, Action>(input: MatchInput<Data>, map: ReadonlyMap<string, MatchTree<Data, Action>>): MatchTree<Data, Action> {
  const lengths = [...new Set([...map.keys()].map(({ length }) => length))].sort((a, b) => b - a);
  return ofText(input, (data, text) => {
    for (const length of lengths) {
      const action = length > text.length ? undefined : map.get(text.slice(0, length))?.(data);
      if (action !== undefined) return action;
    }
    return undefined;
  });
}
