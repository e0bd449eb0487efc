// Istio's rules for the conditions of an HTTP route.
import type { HTTPMatchRequest } from "./http-match.ts";
import type { StringMatch } from "#api/string-match";
import { checkExpression, checkLabels, isHeaderName } from "#api/validation/common-rules";
import { domainFault, isDnsLabel, portFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

const pseudoHeaders: ReadonlySet<string> = new Set([":method", ":scheme", ":authority", ":path", ":status"]);

/** `@request.auth.claims.group` or `@request.auth.claims[group]`: routing by a token's claim, which gateways alone can. */
export function isClaim(name: string): boolean {
  return /^@request\.auth\.claims(?:\.[^.]|\[[^\]]+\])/u.test(name);
}

export function checkHttpMatch(match: HTTPMatchRequest, check: Check): void {
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    const at = check.at("headers", name);
    checkHeaderName(name, at);
    checkStringMatch(value, at);
  }
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {})) {
    const at = check.at("withoutHeaders", name);
    checkHeaderName(name, at);
    // Not an expression: * stands for any value.
    if (value.regex !== "*") checkStringMatch(value, at);
  }
  // Envoy allows an empty prefix for the path alone.
  if (match.uri?.regex !== undefined) checkExpression(match.uri.regex, check.at("uri", "regex"));
  for (const field of ["scheme", "method", "authority"] as const) {
    if (match[field] !== undefined) checkStringMatch(match[field], check.at(field));
  }
  for (const [name, value] of Object.entries(match.queryParams ?? {})) checkStringMatch(value, check.at("queryParams", name));
  if (match.port !== undefined && match.port !== 0) check.at("port").refuse(portFault(match.port));
  checkLabels(match.sourceLabels, check.at("sourceLabels"));
  checkGatewayNames(match.gateways ?? [], check.at("gateways"));
  const namespace = match.sourceNamespace ?? "";
  if (namespace !== "" && !isDnsLabel(namespace)) check.at("sourceNamespace").error(`${JSON.stringify(namespace)} is no namespace`);
}

function checkHeaderName(name: string, check: Check): void {
  if (name === "") check.error("a header's name must not be empty");
  else if (!isClaim(name) && !pseudoHeaders.has(name) && !isHeaderName(name)) check.error(`${JSON.stringify(name)} is no header name`);
}

function checkStringMatch(match: StringMatch, check: Check): void {
  if (match.prefix === "") check.at("prefix").error("must not be empty");
  if (match.regex !== undefined) checkExpression(match.regex, check.at("regex"));
}

/** `mesh`, `name` of the own namespace, or `namespace/name`; a full host name is the form of old. */
export function checkGatewayNames(names: readonly string[], check: Check): void {
  for (const [index, name] of names.entries()) {
    const at = check.at(index);
    const slash = name.indexOf("/");
    if (slash === -1) {
      if (name.includes(".")) at.warning("a host name for a Gateway is the form of old", "write namespace/name");
      at.refuse(domainFault(name));
      continue;
    }
    const namespace = name.slice(0, slash);
    if (!isDnsLabel(namespace)) at.error(`${JSON.stringify(namespace)} is no namespace`);
    if (!isDnsLabel(name.slice(slash + 1))) at.error(`${JSON.stringify(name.slice(slash + 1))} is no name of a Gateway`);
  }
}
