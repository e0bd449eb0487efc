// envoy.type.matcher.v3.MetadataMatcher, compiled once: what a filter said of a stream (dynamic metadata), by path and value.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { MetadataMatcher as MetadataMatcherMessage } from "#envoy/gen/envoy/type/matcher/v3/metadata_pb";
import type { DoubleMatcher } from "#envoy/gen/envoy/type/matcher/v3/number_pb";
import type { ValueMatcher } from "#envoy/gen/envoy/type/matcher/v3/value_pb";
import { compileStringMatcher } from "./string-matcher.ts";
import type { ReportViolation } from "./string-matcher.ts";
import { wireText } from "./wire-text.ts";

/** Structs by the namespace of the filter that wrote them. */
export type DynamicMetadata = Readonly<Record<string, JsonObject>>;

export interface MetadataMatcher {
  /** undefined: no filter has written any. */
  matches(metadata: DynamicMetadata | undefined): boolean;
}

/** undefined: there is nothing at the path. */
type ValueTest = (value: JsonValue | undefined) => boolean;

const NEVER: ValueTest = () => false;

export function compileMetadataMatcher(config: MetadataMatcherMessage, path: string, report: ReportViolation): MetadataMatcher {
  const { filter, value, invert } = config;
  if (filter === "") report(`${path}.filter`, "must not be empty");
  if (config.path.length === 0) report(`${path}.path`, "must not be empty");
  if (value === undefined) report(`${path}.value`, "must be set");
  const keys = config.path.map(({ segment }, at) => {
    if (segment.case === undefined || segment.value === "") report(`${path}.path[${at}].key`, "must not be empty");
    return segment.value ?? "";
  });
  const test = value === undefined ? NEVER : compileValueMatcher(value, `${path}.value`, report);
  return { matches: (metadata) => test(valueAt(metadata, filter, keys)) !== invert };
}

function valueAt(metadata: DynamicMetadata | undefined, filter: string, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = metadata !== undefined && Object.hasOwn(metadata, filter) ? metadata[filter] : undefined;
  for (const key of keys) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function compileValueMatcher({ matchPattern }: ValueMatcher, path: string, report: ReportViolation): ValueTest {
  switch (matchPattern.case) {
    case "nullMatch":
      return (value) => value === null;
    case "doubleMatch":
      return compileDouble(matchPattern.value, `${path}.double_match`, report);
    case "stringMatch": {
      const matcher = compileStringMatcher(matchPattern.value, `${path}.string_match`, report);
      return (value) => typeof value === "string" && matcher.matches(wireText(value));
    }
    case "boolMatch": {
      const wanted = matchPattern.value;
      return (value) => value === wanted;
    }
    case "presentMatch":
      // As in Envoy, `present_match: false` matches nothing; absence is its inversion.
      return matchPattern.value ? (value) => value !== undefined : NEVER;
    case "listMatch": {
      const { matchPattern: list } = matchPattern.value;
      if (list.case === undefined) {
        report(`${path}.list_match`, "needs one_of");
        return NEVER;
      }
      const test = compileValueMatcher(list.value, `${path}.list_match.one_of`, report);
      return (value) => Array.isArray(value) && value.some(test);
    }
    case "orMatch": {
      const { valueMatchers } = matchPattern.value;
      if (valueMatchers.length < 2) report(`${path}.or_match.value_matchers`, "needs at least 2");
      const tests = valueMatchers.map((one, at) => compileValueMatcher(one, `${path}.or_match.value_matchers[${at}]`, report));
      return (value) => tests.some((test) => test(value));
    }
    case undefined:
      report(path, "needs one of null_match, double_match, string_match, bool_match, present_match, list_match, or_match");
      return NEVER;
    default:
      return matchPattern satisfies never;
  }
}

function compileDouble({ matchPattern }: DoubleMatcher, path: string, report: ReportViolation): ValueTest {
  switch (matchPattern.case) {
    case "range": {
      const { start, end } = matchPattern.value;
      return (value) => typeof value === "number" && start <= value && value < end;
    }
    case "exact": {
      const exact = matchPattern.value;
      return (value) => value === exact;
    }
    case undefined:
      report(path, "needs one of range, exact");
      return NEVER;
    default:
      return matchPattern satisfies never;
  }
}
