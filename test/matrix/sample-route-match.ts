// A request that a RouteMatch is meant for, and requests that just miss it.
import type { JsonObject } from "@bufbuild/protobuf";
import { at, number, object, objects, text } from "./json-fields.ts";
import { sampleOfRegex } from "./sample-regex.ts";

export interface SampleRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Where the match asks for one. */
  readonly authority: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Undefined for a match that no request can be made up for. */
export function sampleOfMatch(match: JsonObject): SampleRequest | undefined {
  const path = samplePath(match);
  if (path === undefined) return undefined;
  let method = "GET";
  let authority: string | undefined;
  const headers: (readonly [string, string])[] = [];
  for (const matcher of objects(match["headers"])) {
    const name = text(matcher["name"]) ?? "";
    const inverted = matcher["invertMatch"] === true;
    const value = inverted ? undefined : sampleOfHeader(matcher);
    if (inverted) {
      // Absent is the simplest way not to match, except where a request always has one.
      if (name === ":method") method = sampleOfHeader(matcher) === "GET" ? "POST" : "GET";
      continue;
    }
    if (value === undefined) return undefined;
    if (name === ":method") method = value;
    else if (name === ":authority") authority = value;
    else if (!name.startsWith(":")) headers.push([name, value]);
  }
  const query: string[] = [];
  for (const matcher of objects(match["queryParameters"])) {
    const value = matcher["presentMatch"] === undefined ? sampleOfString(object(matcher["stringMatch"])) : "x";
    if (value === undefined) return undefined;
    query.push(`${text(matcher["name"]) ?? ""}=${encodeURIComponent(value)}`);
  }
  return { method, path: query.length === 0 ? path : `${path}?${query.join("&")}`, authority, headers };
}

/** The same with one condition less. */
export function nearMisses(sample: SampleRequest): readonly SampleRequest[] {
  const misses: SampleRequest[] = sample.headers.map((left) => ({ ...sample, headers: sample.headers.filter((each) => each !== left) }));
  misses.push(
    ...sample.headers.map((left) => ({
      ...sample,
      headers: sample.headers.map((each) => (each === left ? ([left[0], "other"] as const) : each)),
    })),
  );
  if (sample.path.includes("?")) misses.push({ ...sample, path: sample.path.split("?")[0] ?? "/" });
  if (sample.method !== "GET") misses.push({ ...sample, method: "GET" });
  return misses;
}

function samplePath(match: JsonObject): string | undefined {
  const prefix = text(match["prefix"]);
  if (prefix !== undefined) return prefix.endsWith("/") ? `${prefix}sample` : `${prefix}/sample`;
  const separated = text(match["pathSeparatedPrefix"]);
  if (separated !== undefined) return `${separated}/sample`;
  const exact = text(match["path"]);
  if (exact !== undefined) return exact;
  const regex = text(at(match, "safeRegex")["regex"]);
  if (regex !== undefined) return sampleOfRegex(regex);
  const template = text(at(match, "pathMatchPolicy", "typedConfig")["pathTemplate"]);
  return template
    ?.replaceAll(/\{[^}=]*=?([^}]*)\}/g, (_, pattern: string) => pattern || "*")
    .replaceAll("**", "a/b")
    .replaceAll("*", "sample");
}

function sampleOfHeader(matcher: JsonObject): string | undefined {
  if (matcher["presentMatch"] !== undefined) return "present";
  const range = at(matcher, "rangeMatch");
  if (range["start"] !== undefined || range["end"] !== undefined) return String(number(range["start"]) ?? 0);
  for (const [kind, wrap] of [
    ["exactMatch", (value: string) => value],
    ["prefixMatch", (value: string) => `${value}-more`],
    ["suffixMatch", (value: string) => `more-${value}`],
    ["containsMatch", (value: string) => `x${value}x`],
  ] as const) {
    const value = text(matcher[kind]);
    if (value !== undefined) return wrap(value);
  }
  const regex = text(at(matcher, "safeRegexMatch")["regex"]);
  return regex === undefined ? sampleOfString(object(matcher["stringMatch"])) : sampleOfRegex(regex);
}

export function sampleOfString(matcher: JsonObject): string | undefined {
  const exact = text(matcher["exact"]);
  if (exact !== undefined) return exact;
  const prefix = text(matcher["prefix"]);
  if (prefix !== undefined) return `${prefix}-more`;
  const suffix = text(matcher["suffix"]);
  if (suffix !== undefined) return `more-${suffix}`;
  const contains = text(matcher["contains"]);
  if (contains !== undefined) return `x${contains}x`;
  const regex = text(at(matcher, "safeRegex")["regex"]);
  return regex === undefined ? undefined : sampleOfRegex(regex);
}
