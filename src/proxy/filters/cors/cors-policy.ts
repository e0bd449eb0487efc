// CorsPolicy -> frozen policy. It stands at weighted clusters, routes, virtual hosts or the whole table (typed_per_filter_config).
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsPolicySchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { unpack } from "#envoy/any";
import { compileStringMatcher } from "#matcher/string-matcher";
import type { StringMatcher } from "#matcher/string-matcher";
import { wireText } from "#matcher/wire-text";
import { Violations } from "#proxy/field-check";
import { runtimeShare } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";

export interface CorsPolicy {
  readonly origins: readonly StringMatcher[];
  /** Some matcher takes "*": every origin is allowed. */
  readonly anyOrigin: boolean;
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  readonly allowPrivateNetworkAccess: boolean;
  readonly forwardNotMatchingPreflights: boolean;
  /** Shares of requests for which the policy holds, and for which it is only counted. */
  readonly enabled: RuntimeShare;
  readonly shadow: RuntimeShare;
}

/** What one level says: what it leaves out comes from a less specific one. */
type CorsLevel = Omit<CorsPolicy, "allowCredentials" | "allowPrivateNetworkAccess" | "forwardNotMatchingPreflights"> & {
  readonly allowCredentials: boolean | undefined;
  readonly allowPrivateNetworkAccess: boolean | undefined;
  readonly forwardNotMatchingPreflights: boolean | undefined;
};

/** Field by field the most specific level that says something; whether the policy holds at all is said by the first alone. */
export function mergeCorsLevels(levels: readonly CorsLevel[]): CorsPolicy | undefined {
  const [first] = levels;
  if (first === undefined) return undefined;
  const withOrigins = levels.find(({ origins }) => origins.length > 0) ?? first;
  const text = (field: "allowMethods" | "allowHeaders" | "exposeHeaders" | "maxAge"): string =>
    levels.find((level) => level[field] !== "")?.[field] ?? "";
  const flag = (field: "allowCredentials" | "allowPrivateNetworkAccess" | "forwardNotMatchingPreflights"): boolean | undefined =>
    levels.find((level) => level[field] !== undefined)?.[field];
  return Object.freeze({
    origins: withOrigins.origins,
    anyOrigin: withOrigins.anyOrigin,
    allowMethods: text("allowMethods"),
    allowHeaders: text("allowHeaders"),
    exposeHeaders: text("exposeHeaders"),
    maxAge: text("maxAge"),
    allowCredentials: flag("allowCredentials") ?? false,
    allowPrivateNetworkAccess: flag("allowPrivateNetworkAccess") ?? false,
    forwardNotMatchingPreflights: flag("forwardNotMatchingPreflights") ?? true,
    enabled: first.enabled,
    shadow: first.shadow,
  });
}

/** @throws ConfigError naming every field that is wrong */
export function compileCorsPolicy(any: Any, path: string): CorsLevel {
  const violations = new Violations();
  const config = unpack(any, CorsPolicySchema);
  if (config === undefined) violations.add(path, `${any.typeUrl} is not a CorsPolicy`);
  violations.throwIfAny("cors filter");
  const policy = config as NonNullable<typeof config>;
  const origins = policy.allowOriginStringMatch.map((matcher, index) =>
    compileStringMatcher(matcher, `${path}.allow_origin_string_match[${index}]`, violations.add),
  );
  violations.throwIfAny("cors filter");
  return Object.freeze({
    origins,
    anyOrigin: origins.some((matcher) => matcher.matches("*")),
    allowMethods: wireText(policy.allowMethods),
    allowHeaders: wireText(policy.allowHeaders),
    exposeHeaders: wireText(policy.exposeHeaders),
    maxAge: wireText(policy.maxAge),
    allowCredentials: policy.allowCredentials,
    allowPrivateNetworkAccess: policy.allowPrivateNetworkAccess,
    forwardNotMatchingPreflights: policy.forwardNotMatchingPreflights,
    enabled: runtimeShare(policy.filterEnabled, 1),
    shadow: runtimeShare(policy.shadowEnabled, 0),
  });
}
