// Compares two values of proto JSON by meaning. Both sides are canonical (defaults left out, durations and enums in one spelling), so
// what is left to know is which lists are sets, and which empty messages say nothing.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { canonical, fieldOf, labelOf, memberKeys, textOf, type MemberKeys } from "./list-meaning.ts";

export interface Difference {
  /** From the resource down; members of lists by name, else by position: `filterChains[0.0.0.0_80].filters[istio.stats]`. */
  readonly path: string;
  /** Absent: is not expected to be there. */
  readonly expected?: JsonValue | undefined;
  /** Absent: we have none. */
  readonly got?: JsonValue | undefined;
}

/** Messages that mean the same empty as absent. */
const SAYS_NOTHING_WHEN_EMPTY: ReadonlySet<string> = new Set(["filterChainMatch", "locality"]);

export function compareResources(expected: JsonObject, got: JsonObject): readonly Difference[] {
  const differences: Difference[] = [];
  compareObjects("", expected, got, differences);
  return differences;
}

function compareValues(field: string, path: string, expected: JsonValue, got: JsonValue, into: Difference[]): void {
  if (Array.isArray(expected) && Array.isArray(got)) {
    const keys = memberKeys(field);
    if (keys === undefined) compareLists(field, path, expected, got, into);
    else compareSets(field, path, keys, expected, got, into);
  } else if (isObject(expected) && isObject(got)) compareObjects(path, expected, got, into);
  else if (!sameScalar(expected, got)) into.push({ path, expected, got });
}

function compareObjects(path: string, expected: JsonObject, got: JsonObject, into: Difference[]): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    const left = meaningful(name, expected[name]);
    const right = meaningful(name, got[name]);
    const at = path === "" ? name : `${path}.${name}`;
    if (left === undefined || right === undefined) {
      if (left !== right) into.push({ path: at, expected: left, got: right });
    } else compareValues(name, at, left, right, into);
  }
}

function meaningful(name: string, value: JsonValue | undefined): JsonValue | undefined {
  return saysNothing(name, value) ? undefined : value;
}

export function saysNothing(name: string, value: JsonValue | undefined): boolean {
  return SAYS_NOTHING_WHEN_EMPTY.has(name) && isObject(value) && Object.keys(value).length === 0;
}

/** Members that are labelled alike are compared with each other; between them the rest is, where as many stand on both sides. */
function compareLists(field: string, path: string, expected: readonly JsonValue[], got: readonly JsonValue[], into: Difference[]): void {
  const pairs = commonSubsequence(expected.map(labelOf), got.map(labelOf));
  let [left, right] = [0, 0];
  for (const [i, j] of [...pairs, [expected.length, got.length] as const]) {
    const [missing, extra] = [expected.slice(left, i), got.slice(right, j)];
    const together = missing.length === extra.length && missing.every((member, offset) => !differentlyNamed(member, extra[offset]));
    for (const [offset, member] of missing.entries()) {
      const other = extra[offset];
      const at = `${path}[${positionOf(member, left + offset)}]`;
      if (together && other !== undefined) compareValues(field, at, member, other, into);
      else into.push({ path: at, expected: member });
    }
    if (!together)
      for (const [offset, member] of extra.entries()) into.push({ path: `${path}[${positionOf(member, right + offset)}]`, got: member });
    const [member, other] = [expected[i], got[j]];
    if (member !== undefined && other !== undefined) compareValues(field, `${path}[${positionOf(member, i)}]`, member, other, into);
    [left, right] = [i + 1, j + 1];
  }
}

/** Two filters of different names have nothing to do with each other; routes are often called the same or not at all. */
function differentlyNamed(a: JsonValue, b: JsonValue | undefined): boolean {
  const isRoute = fieldOf(a, "match") !== undefined;
  return !isRoute && fieldOf(a, "name") !== fieldOf(b, "name");
}

function compareSets(
  field: string,
  path: string,
  keys: MemberKeys,
  expected: readonly JsonValue[],
  got: readonly JsonValue[],
  into: Difference[],
): void {
  let [missing, extra] = [[...expected], [...got]];
  for (const key of keys) {
    const byKey = Map.groupBy(extra, key);
    const left: JsonValue[] = [];
    for (const member of missing) {
      const candidates = byKey.get(key(member)) ?? [];
      // Several of one key: the one that is equal, else the first.
      const equal = candidates.findIndex((candidate) => canonical(candidate) === canonical(member));
      const [other] = candidates.splice(Math.max(equal, 0), 1);
      if (other === undefined) left.push(member);
      else compareValues(field, `${path}[${memberName(member)}]`, member, other, into);
    }
    missing = left;
    extra = extra.filter((member) => byKey.get(key(member))?.includes(member) === true);
  }
  for (const member of missing) into.push({ path: `${path}[${memberName(member)}]`, expected: member });
  for (const member of extra) into.push({ path: `${path}[${memberName(member)}]`, got: member });
}

/** As it stands in a path: without brackets. */
function memberName(member: JsonValue): string {
  return nameIn(member).replaceAll("[", "(").replaceAll("]", ")");
}

function nameIn(member: JsonValue): string {
  if (!isObject(member)) return textOf(member);
  for (const path of [["name"], ["tag"], ["upgradeType"], ["host"], ["header", "key"]]) {
    const name = fieldOf(member, ...path);
    if (typeof name === "string") return name;
  }
  const socket = fieldOf(member, "endpoint", "address", "socketAddress") ?? fieldOf(member, "address", "socketAddress");
  if (isObject(socket)) return `${textOf(socket["address"])}:${textOf(socket["portValue"])}`;
  const text = canonical(fieldOf(member, "locality") ?? fieldOf(member, "filterChainMatch") ?? ("filters" in member ? {} : member));
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function positionOf(member: JsonValue, index: number): string {
  const name = fieldOf(member, "name");
  return typeof name === "string" && fieldOf(member, "match") === undefined ? name : String(index);
}

/** Pairs of indexes of a longest common subsequence. */
function commonSubsequence(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const lengths = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? [];
    for (let j = b.length - 1; j >= 0; j--) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const pairs: (readonly [number, number])[] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

function sameScalar(expected: JsonValue, got: JsonValue): boolean {
  // A float of 32 bits is written with as many digits as it needs or as a double has.
  if (isFraction(expected) && isFraction(got)) return Math.fround(expected) === Math.fround(got);
  return expected === got;
}

function isFraction(value: JsonValue): value is number {
  return typeof value === "number" && !Number.isInteger(value);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
