// StringMatcher, compiled once.
import { compileRegex } from "./regex.ts";
import { asciiLower, wireText } from "./wire-text.ts";

export interface StringMatcher {
  matches(value: string): boolean;
}

/** `report` is told what is wrong, with the field below `path`; the matcher that comes back then matches nothing. */
export type ReportViolation = (path: string, message: string) => void;

const NEVER: StringMatcher = { matches: () => false };

/** envoy.type.matcher.v3.StringMatcher or xds.type.matcher.v3.StringMatcher. */
export interface StringPattern {
  readonly matchPattern:
    | { readonly case: "exact" | "prefix" | "suffix" | "contains"; readonly value: string }
    | { readonly case: "safeRegex"; readonly value: { readonly regex: string } }
    | { readonly case: "custom"; readonly value: unknown }
    | { readonly case: undefined };
  readonly ignoreCase: boolean;
}

export function compileStringMatcher(config: StringPattern, path: string, report: ReportViolation): StringMatcher {
  const { matchPattern, ignoreCase } = config;
  switch (matchPattern.case) {
    case "exact":
      return exact(matchPattern.value, ignoreCase);
    case "prefix":
    case "suffix":
    case "contains":
      if (matchPattern.value === "") {
        report(`${path}.${matchPattern.case}`, "must not be empty: it would match everything");
        return NEVER;
      }
      return partial(matchPattern.case, matchPattern.value, ignoreCase);
    case "safeRegex":
      return regexMatcher(matchPattern.value.regex, `${path}.safe_regex`, report);
    case "custom":
      report(`${path}.custom`, "custom string matchers are not served");
      return NEVER;
    case undefined:
      report(path, "needs one of exact, prefix, suffix, contains, safe_regex");
      return NEVER;
    default:
      return matchPattern satisfies never;
  }
}

/** A regex that matches whole values. ignore_case has no effect on it, as in Envoy: write (?i). */
export function regexMatcher(pattern: string, path: string, report: ReportViolation): StringMatcher {
  if (pattern === "") {
    report(`${path}.regex`, "must not be empty");
    return NEVER;
  }
  try {
    return compileRegex(pattern);
  } catch (error) {
    report(`${path}.regex`, error instanceof Error ? error.message : String(error));
    return NEVER;
  }
}

export function exact(expected: string, ignoreCase: boolean): StringMatcher {
  const wire = wireText(expected);
  if (!ignoreCase) return { matches: (value) => value === wire };
  const lower = asciiLower(wire);
  return { matches: (value) => value.length === lower.length && asciiLower(value) === lower };
}

export function partial(kind: "prefix" | "suffix" | "contains", expected: string, ignoreCase: boolean): StringMatcher {
  const wire = ignoreCase ? asciiLower(wireText(expected)) : wireText(expected);
  const fold = ignoreCase ? asciiLower : (value: string): string => value;
  switch (kind) {
    case "prefix":
      return { matches: (value) => fold(value).startsWith(wire) };
    case "suffix":
      return { matches: (value) => fold(value).endsWith(wire) };
    case "contains":
      return { matches: (value) => fold(value).includes(wire) };
    default:
      return kind satisfies never;
  }
}
