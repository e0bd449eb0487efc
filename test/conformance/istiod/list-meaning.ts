// Which lists of xDS are sets, and by what their members are told apart. Every other list has an order that means something: the
// first match wins, filters run in turn, ciphers stand by preference.
import type { JsonValue } from "@bufbuild/protobuf";

/** The ways to pair the members of two sets, the surest first; what one leaves over the next one tries. */
export type MemberKeys = readonly ((member: JsonValue) => string)[];

/** The same text for the same meaning: the order of fields does not count. */
export function canonical(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.keys(value).sort();
    return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "";
}

/** A text as it is, anything else as JSON. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : canonical(value);
}

export function fieldOf(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = at[name];
  }
  return at;
}

const by =
  (...path: readonly string[]) =>
  (member: JsonValue): string =>
    canonical(fieldOf(member, ...path));
const asWhole: MemberKeys = [canonical];
const endpointAddress = (member: JsonValue): string => canonical(fieldOf(member, "endpoint", "address") ?? member);
const localityAndPriority = (member: JsonValue): string =>
  `${canonical(fieldOf(member, "locality") ?? {})} ${canonical(fieldOf(member, "priority") ?? 0)}`;
const filterChainMatch = (member: JsonValue): string => canonical(withSortedSets(fieldOf(member, "filterChainMatch") ?? {}));

/** By the field that holds the list. */
const SETS: Readonly<Record<string, MemberKeys>> = {
  // Listeners: Envoy looks for the most specific chain, wherever it stands.
  filterChains: [(member) => `${by("name")(member)} ${filterChainMatch(member)}`, filterChainMatch, by("name")],
  applicationProtocols: asWhole,
  serverNames: asWhole,
  prefixRanges: asWhole,
  sourcePrefixRanges: asWhole,
  directSourcePrefixRanges: asWhole,
  sourcePorts: asWhole,
  additionalAddresses: [by("address")],
  rules: asWhole,
  upgradeConfigs: [by("upgradeType")],
  customTags: [by("tag")],
  // Routes: a host is looked up by its most specific domain; all matchers of a route must hold.
  virtualHosts: [by("name"), by("domains")],
  domains: asWhole,
  headers: [canonical, by("name")],
  queryParameters: [canonical, by("name")],
  requestHeadersToAdd: [(member) => `${by("header", "key")(member)} ${by("appendAction")(member)}`, by("header", "key")],
  responseHeadersToAdd: [(member) => `${by("header", "key")(member)} ${by("appendAction")(member)}`, by("header", "key")],
  requestHeadersToRemove: asWhole,
  responseHeadersToRemove: asWhole,
  allowOriginStringMatch: asWhole,
  retryHostPredicate: [by("name")],
  retriableStatusCodes: asWhole,
  // Clusters and endpoints.
  thresholds: [by("priority")],
  matchSubjectAltNames: asWhole,
  services: [by("host")],
  endpoints: [localityAndPriority],
  lbEndpoints: [endpointAddress],
};

export function memberKeys(field: string): MemberKeys | undefined {
  return Object.hasOwn(SETS, field) ? SETS[field] : undefined;
}

function withSortedSets(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      Array.isArray(member) && memberKeys(name) !== undefined ? [...member].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1)) : member,
    ]),
  );
}

/** What a member of an ordered list is called: how reports name it, and by what two lists are laid side by side. */
export function labelOf(member: JsonValue): string {
  const name = fieldOf(member, "name");
  const match = fieldOf(member, "match");
  if (match !== undefined) return `${typeof name === "string" ? name : ""} ${canonical(match)}`;
  return typeof name === "string" ? name : canonical(member);
}
