// Conditions on claims of a verified JWT, which Istio writes like headers: `@request.auth.claims.group` or `@request.auth.claims[a.b][c]`.
// The JWT filter leaves the claims as dynamic metadata; without that filter such a condition never holds.
import { create } from "@bufbuild/protobuf";
import { MetadataMatcherSchema, type MetadataMatcher } from "#envoy/gen/envoy/type/matcher/v3/metadata_pb";
import { ValueMatcherSchema } from "#envoy/gen/envoy/type/matcher/v3/value_pb";
import type { StringMatch } from "#api/virtual-service";
import { stringMatcher } from "./string-matcher.ts";

const PREFIX = "@request.auth.claims";

/** The path of the claim that a header name of this form means; undefined for an ordinary header. */
export function claimPath(name: string): readonly string[] | undefined {
  if (!name.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = name.slice(PREFIX.length);
  if (rest.startsWith(".") && rest.length > 1) return rest.slice(1).split(".");
  if (/^(?:\[[^\][]+\])+$/u.test(rest)) return rest.slice(1, -1).split("][");
  return undefined;
}

/** A claim may be a text or a list of texts: one that matches is enough. */
export function claimMatcher(path: readonly string[], match: StringMatch, invert: boolean): MetadataMatcher {
  const text = { matchPattern: { case: "stringMatch" as const, value: stringMatcher(match) } };
  const list = {
    matchPattern: { case: "listMatch" as const, value: { matchPattern: { case: "oneOf" as const, value: text } } },
  };
  return create(MetadataMatcherSchema, {
    filter: "envoy.filters.http.jwt_authn",
    path: ["payload", ...path].map((key) => ({ segment: { case: "key" as const, value: key } })),
    value: create(ValueMatcherSchema, { matchPattern: { case: "orMatch", value: { valueMatchers: [list, text] } } }),
    invert,
  });
}
