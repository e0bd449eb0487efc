// Routes and matches that can never count, because something before them takes all their requests: warnings, as in Istio.
import type { HTTPMatchRequest } from "./http-match.ts";
import type { HTTPRoute } from "./http-route.ts";
import type { StringMatch } from "#api/string-match";
import type { Check } from "#api/validation/violations";

const unreachableRule = "IST0130";
const ineffectiveMatch = "IST0131";

interface Seen {
  readonly rule: string;
  readonly index: number;
  readonly match: HTTPMatchRequest;
  readonly prefix: string;
}

/** Of matches beyond this many, prefixes are no longer compared pair by pair. */
const maxPairedMatches = 500;

interface AnyRoute {
  readonly name?: string | undefined;
  readonly match?: readonly object[] | undefined;
}

export function warnUnreachable(routes: readonly AnyRoute[], check: Check): void {
  const encountered = new Map<string, number>();
  let catchAll = false;
  for (const [index, route] of routes.entries()) {
    const at = check.at(index);
    const matches = route.match ?? [];
    if (matches.length === 0) {
      if (catchAll)
        at.warning("is never reached: a rule before it has no matches and takes everything", "move it up or remove it", unreachableRule);
      catchAll = true;
      continue;
    }
    if (catchAll) {
      at.warning("is never reached: a rule before it has no matches and takes everything", "move it up", unreachableRule);
      continue;
    }
    let duplicates = 0;
    for (const [matchIndex, match] of matches.entries()) {
      const text = canonical({ ...match, name: undefined });
      const before = encountered.get(text);
      if (before === undefined) encountered.set(text, index);
      else {
        duplicates++;
        at.at("match", matchIndex).warning(
          `is never reached: rule ${ruleName(routes[before], before)} has the same match`,
          undefined,
          ineffectiveMatch,
        );
      }
    }
    if (duplicates === matches.length) at.warning("is never reached: rules before it have all its matches", undefined, unreachableRule);
  }
}

/** A shorter prefix before a longer one takes its requests, other conditions being no stricter. */
export function warnCoveredPrefixes(routes: readonly HTTPRoute[], check: Check): void {
  const seen: Seen[] = [];
  for (const [index, route] of routes.entries()) {
    for (const [matchIndex, match] of (route.match ?? []).entries()) {
      const prefix = match.uri?.prefix ?? "";
      if (prefix === "") continue;
      const cover = seen.find((earlier) => earlier.prefix !== prefix && covers(earlier, match, prefix));
      if (cover !== undefined) {
        const message = `is never reached: rule ${cover.rule} takes the prefix ${JSON.stringify(cover.prefix)} before it`;
        check.at(index, "match", matchIndex).warning(message, "put the longer prefix first", ineffectiveMatch);
      }
      if (seen.length < maxPairedMatches) seen.push({ rule: ruleName(route, index), index: matchIndex, match, prefix });
    }
  }
}

function covers(earlier: Seen, later: HTTPMatchRequest, laterPrefix: string): boolean {
  const { match } = earlier;
  return (
    laterPrefix.startsWith(earlier.prefix) &&
    (match.port ?? 0) === (later.port ?? 0) &&
    textOf(match.method, "exact:GET").startsWith(textOf(later.method, "exact:GET")) &&
    textOf(match.authority, "").startsWith(textOf(later.authority, "")) &&
    coversAll(match.headers, later.headers) &&
    coversAll(match.queryParams, later.queryParams) &&
    coversAll(match.withoutHeaders, later.withoutHeaders)
  );
}

type Matches = Readonly<Record<string, StringMatch>> | undefined;

function coversAll(earlier: Matches, later: Matches): boolean {
  const entries = Object.entries(earlier ?? {});
  if (entries.length !== Object.keys(later ?? {}).length) return false;
  return entries.every(([name, match]) => {
    const other = later?.[name];
    return other !== undefined && textOf(match, "").startsWith(textOf(other, ""));
  });
}

function textOf(match: StringMatch | undefined, without: string): string {
  if (match?.exact !== undefined && match.exact !== "") return `exact:${match.exact}`;
  if (match?.prefix !== undefined && match.prefix !== "") return `prefix:${match.prefix}`;
  return without;
}

function ruleName(route: AnyRoute | undefined, index: number): string {
  return route?.name === undefined || route.name === "" ? `#${index}` : JSON.stringify(route.name);
}

/** JSON whose order of names does not depend on how it was written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
