// StringMatch of Istio's API to Envoy's matcher.
import { create } from "@bufbuild/protobuf";
import { StringMatcherSchema, type StringMatcher } from "#envoy/gen/envoy/type/matcher/v3/string_pb";
import type { StringMatch } from "#api/virtual-service";

/** A match without a value asks only for presence; so does the regex `*`, which is not RE2 but what people write for "any". */
export function asksForPresence(match: StringMatch): boolean {
  return match.regex === "*" || (match.exact === undefined && match.prefix === undefined && match.regex === undefined);
}

export function stringMatcher(match: StringMatch): StringMatcher {
  if (match.exact !== undefined) return create(StringMatcherSchema, { matchPattern: { case: "exact", value: match.exact } });
  if (match.prefix !== undefined) return create(StringMatcherSchema, { matchPattern: { case: "prefix", value: match.prefix } });
  return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex: match.regex ?? "" } } });
}
