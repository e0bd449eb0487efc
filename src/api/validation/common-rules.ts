// Rules that several kinds share: durations, labels, exportTo, expressions, header names and values.
import { compileRegex } from "#matcher/regex";
import type { Check } from "./violations.ts";
import { isDnsLabel, labelKeyFault, labelValueFault } from "./names.ts";

/** Istio refuses less than 1 ms and fractions of it, and so `0s` where a zero would mean "no limit". */
export function checkDuration(ms: number | undefined, check: Check): void {
  if (ms === undefined) return;
  if (ms < 1) check.error("a duration must be 1ms or more", ms === 0 ? "leave the field out for no limit" : undefined);
  else if (!Number.isInteger(ms)) check.error("a duration must be whole milliseconds");
}

export function checkNotNegative(value: number | undefined, check: Check): void {
  if (value !== undefined && value < 0) check.error(`must be 0 or more, is ${value}`);
}

export function checkPercentInteger(value: number | undefined, check: Check): void {
  if (value !== undefined && (value < 0 || value > 100)) check.error(`must be between 0 and 100, is ${value}`);
}

export function checkLabels(labels: Readonly<Record<string, string>> | undefined, check: Check): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    check.at(key).refuse(labelKeyFault(key));
    check.at(key).refuse(labelValueFault(value));
  }
}

export function checkExportTo(
  exportTo: readonly string[] | undefined,
  check: Check,
  rules: { readonly ownOnly: boolean; readonly nobody?: boolean },
): void {
  if (exportTo === undefined) return;
  const { namespace } = check.object;
  const seen = new Set<string>();
  for (const [index, entry] of exportTo.entries()) {
    const at = check.at(index);
    const name = entry === "." ? namespace : entry;
    if (seen.has(name)) at.error(name === entry ? `${JSON.stringify(entry)} stands twice` : `. and ${namespace} are the same namespace`);
    else if (name === "~") {
      if (rules.nobody !== true) at.error("~ (nobody) is for ServiceEntry alone");
    } else if (name !== "*" && !isDnsLabel(name)) at.error(`${JSON.stringify(entry)} is neither ., * nor a namespace`);
    seen.add(name);
  }
  if (seen.has("*") && exportTo.length > 1) check.error("* says everybody: no other namespace may stand beside it");
  if (seen.has("~") && exportTo.length > 1) check.error("~ says nobody: no other namespace may stand beside it");
  if (rules.ownOnly && (seen.size > 1 || (seen.size === 1 && !seen.has(namespace)))) {
    check.error("with a workloadSelector only the own namespace may be exported to", "write . or leave exportTo out");
  }
}

/** Envoy bounds the program's size; the length bounds it roughly, as in Istio. */
const maxExpressionLength = 1024;

export function checkExpression(expression: string, check: Check): void {
  if (expression === "") check.error("an expression must not be empty");
  else if (expression.length > maxExpressionLength) check.error(`an expression has at most ${maxExpressionLength} characters`);
  else check.refuse(expressionFault(expression), "expressions are RE2's: no look-around, no back-references");
}

/** By the proxy's own rules: what passes here is not refused there. */
export function expressionFault(expression: string): string | undefined {
  try {
    compileRegex(expression);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

// RFC 9110 5.6.2 (token).
const token = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/u;

export function isHeaderName(name: string): boolean {
  return token.test(name);
}

function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === ":authority" || lower === "host";
}

interface Operations {
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly add?: Readonly<Record<string, string>> | undefined;
  readonly remove?: readonly string[] | undefined;
}

/** Pseudo headers and host are the proxy's own; a request's authority may be set (as a rewrite). */
function headerNameFault(name: string, authorityAllowed: boolean): string | undefined {
  if (name === "") return "a header's name must not be empty";
  if (authorityAllowed && isAuthority(name)) return undefined;
  if (name.startsWith(":") || name.toLowerCase() === "host") return `${JSON.stringify(name)} cannot be edited here`;
  return undefined;
}

export function checkHeaders(
  headers: { readonly request?: Operations | undefined; readonly response?: Operations | undefined } | undefined,
  check: Check,
): void {
  for (const direction of ["request", "response"] as const) {
    const operations = headers?.[direction];
    for (const operation of ["set", "add"] as const) {
      for (const [name, value] of Object.entries(operations?.[operation] ?? {})) {
        const at = check.at(direction, operation, name);
        at.refuse(headerNameFault(name, direction === "request"));
        at.refuse(headerValueFault(value));
      }
    }
    for (const [index, name] of (operations?.remove ?? []).entries())
      check.at(direction, "remove", index).refuse(headerNameFault(name, false));
  }
}

/** Names in a request's edits that change its authority. */
export function authorityEdits(operations: Operations | undefined): readonly string[] {
  return [...Object.keys(operations?.set ?? {}), ...Object.keys(operations?.add ?? {})].filter(isAuthority);
}

/** Envoy's command operators: %NAME%, %NAME(arguments)%; %% is a percent sign. What the names mean is the proxy's business. */
function headerValueFault(value: string): string | undefined {
  // Anything but tab and printable characters would split or hide headers.
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u0008\u000A-\u001F\u007F]/u.test(value)) return "a header's value must not hold control characters";
  let at = value.indexOf("%");
  while (at !== -1) {
    if (value[at + 1] === "%") {
      at = value.indexOf("%", at + 2);
      continue;
    }
    const end = operatorEnd(value, at + 1);
    if (end === undefined) return `${JSON.stringify(value)} holds a % that begins no %OPERATOR%; write %% for a percent sign`;
    at = value.indexOf("%", end);
  }
  return undefined;
}

/** Behind the operator whose name begins here. */
function operatorEnd(value: string, start: number): number | undefined {
  let at = start;
  while (at < value.length && value[at] !== "%" && value[at] !== "(") at++;
  if (at >= value.length) return undefined;
  if (value[at] === "%") return at + 1;
  const close = argumentsEnd(value, at + 1);
  if (close === undefined) return undefined;
  at = close;
  while (value[at] === " ") at++;
  return value[at] === "%" ? at + 1 : undefined;
}

/** Behind the bracket that closes the arguments; a backslash hides the next character. */
function argumentsEnd(value: string, start: number): number | undefined {
  for (let at = start; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === ")") return at + 1;
  }
  return undefined;
}
