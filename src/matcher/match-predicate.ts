// What stands before a branch of a matcher list: one input against a pattern or a list of networks, and such tests put together.
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf, unpack } from "#envoy/any";
import { IpSchema } from "#envoy/gen/envoy/extensions/matching/input_matchers/ip/v3/ip_pb";
import type { TypedExtensionConfig } from "#envoy/gen/xds/core/v3/extension_pb";
import type { Matcher_MatcherList_Predicate as Predicate } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import type { Matcher_MatcherList_Predicate_SinglePredicate as SinglePredicate } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compileAddressRanges } from "./cidr.ts";
import { ofText } from "./match-input.ts";
import type { MatchInput } from "./match-input.ts";
import { compileStringMatcher } from "./string-matcher.ts";
import type { ReportViolation } from "./string-matcher.ts";

/** Null: an input cannot be had. */
type Test<Data> = (data: Data) => boolean | null;
type CompileInput<Data> = (wire: TypedExtensionConfig | undefined, path: string) => MatchInput<Data>;

const never = (): boolean => false;

export function compilePredicate<Data>(
  wire: Predicate | undefined,
  input: CompileInput<Data>,
  path: string,
  report: ReportViolation,
): Test<Data> {
  const matchType = wire?.matchType;
  switch (matchType?.case) {
    case "singlePredicate":
      return compileSingle(matchType.value, input, `${path}.single_predicate`, report);
    case "orMatcher":
    case "andMatcher": {
      const field = matchType.case === "orMatcher" ? "or_matcher" : "and_matcher";
      const tests = matchType.value.predicate.map((one, index) =>
        compilePredicate(one, input, `${path}.${field}.predicate[${index}]`, report),
      );
      if (tests.length < 2) report(`${path}.${field}.predicate`, "must hold two or more");
      return inTurn(tests, field === "or_matcher");
    }
    case "notMatcher": {
      const test = compilePredicate(matchType.value, input, `${path}.not_matcher`, report);
      return (data) => {
        const holds = test(data);
        return holds === null ? null : !holds;
      };
    }
    case undefined:
      report(path, "must hold a predicate");
      return never;
    default:
      return matchType satisfies never;
  }
}

function compileSingle<Data>(wire: SinglePredicate, compileInput: CompileInput<Data>, path: string, report: ReportViolation): Test<Data> {
  const input = compileInput(wire.input, `${path}.input`);
  const { matcher } = wire;
  switch (matcher.case) {
    case "valueMatch": {
      const pattern = compileStringMatcher(matcher.value, `${path}.value_match`, report);
      return holdsFor(input, (text) => pattern.matches(text));
    }
    case "customMatch": {
      const at = `${path}.custom_match.typed_config`;
      if (matcher.value.typedConfig !== undefined) return holdsFor(input, compileNetworks(matcher.value.typedConfig, at, report));
      report(at, "must be set");
      return never;
    }
    case undefined:
      report(path, "must hold value_match or custom_match");
      return never;
    default:
      return matcher satisfies never;
  }
}

function holdsFor<Data>(input: MatchInput<Data>, test: (text: string) => boolean): Test<Data> {
  const ask = ofText(input, (_data, text) => test(text));
  return (data) => {
    const holds = ask(data);
    return holds === undefined ? false : holds;
  };
}

/** The first that is `decisive` decides, or cannot say. */
function inTurn<Data>(tests: readonly Test<Data>[], decisive: boolean): Test<Data> {
  return (data) => {
    for (const test of tests) {
      const holds = test(data);
      if (holds === null || holds === decisive) return holds;
    }
    return !decisive;
  };
}

function compileNetworks(config: Any, path: string, report: ReportViolation): (text: string) => boolean {
  try {
    const ip = unpack(config, IpSchema);
    if (ip === undefined) report(path, `a matcher of type ${nameOf(config.typeUrl)} is not served by this proxy`);
    else {
      if (ip.cidrRanges.length === 0) report(`${path}.cidr_ranges`, "must not be empty");
      if (ip.statPrefix === "") report(`${path}.stat_prefix`, "must not be empty");
      return compileAddressRanges(ip.cidrRanges);
    }
  } catch (error) {
    report(path, error instanceof Error ? error.message : String(error));
  }
  return never;
}
