// The rules of an HTTPRoute that the Gateway API's CRD says in CEL.
import type { Check } from "#api/validation/violations";
import {
  httpFilterSettings,
  redirectCodes,
  type CorsFilter,
  type ExternalAuth,
  type HttpRouteFilter,
  type PathModifier,
} from "./http-filter.ts";
import type { HttpRouteMatch, HttpRouteRule, HttpRouteSpec, PathMatch } from "./http-route.ts";
import { checkBackendRef, checkFilters, checkParentRefs, checkRules, checkSessionPersistence } from "./route-rules.ts";

const onceOnly: ReadonlySet<string> = new Set(["CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"]);

export function validateHttpRoute(spec: HttpRouteSpec, check: Check): void {
  checkParentRefs(spec.parentRefs ?? [], check.at("parentRefs"));
  const rules = spec.rules ?? [];
  // A rule without matches has one: every path.
  checkRules(rules, (index) => rules[index]?.matches?.length ?? 1, check.at("rules"));
  for (const [index, rule] of rules.entries()) checkRule(rule, check.at("rules", index));
}

function checkRule(rule: HttpRouteRule, check: Check): void {
  for (const [index, match] of (rule.matches ?? []).entries()) {
    if (match.path !== undefined) checkPath(match.path, check.at("matches", index, "path"));
  }
  const filters = rule.filters ?? [];
  const backends = rule.backendRefs ?? [];
  checkHttpFilters(filters, check.at("filters"));
  checkPrefixReplacement(filters, rule.matches, check.at("filters"));
  if (backends.length > 0 && filters.some((filter) => filter.requestRedirect !== undefined)) {
    check.at("backendRefs").error("cannot stand beside a RequestRedirect filter", "a redirect is answered by the gateway itself");
  }
  for (const [index, backend] of backends.entries()) {
    const at = check.at("backendRefs", index);
    checkBackendRef(backend, at);
    checkHttpFilters(backend.filters ?? [], at.at("filters"));
  }
  const backendsReplacing = backends.filter((backend) => replacesPrefixOnce(backend.filters ?? []));
  if (backendsReplacing.length === 1) checkOnlyPrefixMatch(rule.matches, check.at("backendRefs"));
  checkSessionPersistence(rule.sessionPersistence, check.at("sessionPersistence"));
  const { request, backendRequest } = rule.timeouts ?? {};
  if (request !== undefined && backendRequest !== undefined && request !== 0 && backendRequest > request) {
    check.at("timeouts", "backendRequest").error("must not be longer than the timeout of the request");
  }
}

function checkHttpFilters(filters: readonly HttpRouteFilter[], check: Check): void {
  checkFilters(filters, httpFilterSettings, onceOnly, check);
  const types = new Set(filters.map((filter) => filter.type));
  if (types.has("RequestRedirect") && types.has("URLRewrite")) check.error("RequestRedirect and URLRewrite cannot stand together");
  for (const [index, { requestRedirect, urlRewrite, cors, externalAuth }] of filters.entries()) {
    const at = check.at(index);
    checkPathModifier(requestRedirect?.path, at.at("requestRedirect", "path"));
    const code = requestRedirect?.statusCode;
    if (code !== undefined && !redirectCodes.has(code)) {
      at.at("requestRedirect", "statusCode").error(`must be one of ${[...redirectCodes].join(", ")}, is ${code}`);
    }
    checkPathModifier(urlRewrite?.path, at.at("urlRewrite", "path"));
    if (cors !== undefined) checkCors(cors, at.at("cors"));
    if (externalAuth !== undefined) checkExternalAuth(externalAuth, at.at("externalAuth"));
  }
}

function checkPathModifier(path: PathModifier | undefined, check: Check): void {
  if (path === undefined) return;
  const fields = { ReplaceFullPath: "replaceFullPath", ReplacePrefixMatch: "replacePrefixMatch" } as const;
  for (const type of ["ReplaceFullPath", "ReplacePrefixMatch"] as const) {
    const name = fields[type];
    if (path.type === type && path[name] === undefined) check.error(`type ${type} needs ${name}`);
    if (path.type !== type && path[name] !== undefined) check.at(name).error(`belongs to type ${type}, the type is ${path.type}`);
  }
}

function checkCors(cors: CorsFilter, check: Check): void {
  for (const name of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
    const values: readonly string[] = cors[name] ?? [];
    if (values.length > 1 && values.includes("*")) check.at(name).error("* says any: nothing else may stand beside it");
  }
}

function checkExternalAuth(auth: ExternalAuth, check: Check): void {
  const fields = { GRPC: "grpc", HTTP: "http" } as const;
  for (const protocol of ["GRPC", "HTTP"] as const) {
    const name = fields[protocol];
    if (auth.protocol === protocol && auth[name] === undefined) check.error(`protocol ${protocol} needs ${name}`);
    if (auth.protocol !== protocol && auth[name] !== undefined)
      check.at(name).error(`belongs to protocol ${protocol}, the protocol is ${auth.protocol}`);
  }
  checkBackendRef(auth.backendRef, check.at("backendRef"));
}

/** A part of the path can be replaced only where it is clear which part was matched. */
function checkPrefixReplacement(filters: readonly HttpRouteFilter[], matches: readonly HttpRouteMatch[] | undefined, check: Check): void {
  if (replacesPrefixOnce(filters)) checkOnlyPrefixMatch(matches, check);
}

function replacesPrefixOnce(filters: readonly HttpRouteFilter[]): boolean {
  return (["requestRedirect", "urlRewrite"] as const).some(
    (name) =>
      filters.filter((filter) => filter[name]?.path?.type === "ReplacePrefixMatch" && filter[name].path.replacePrefixMatch !== undefined)
        .length === 1,
  );
}

function checkOnlyPrefixMatch(matches: readonly HttpRouteMatch[] | undefined, check: Check): void {
  // Without matches, and without a path in a match, every path is matched by its prefix /.
  const valid = matches === undefined || (matches.length === 1 && (matches[0]?.path?.type ?? "PathPrefix") === "PathPrefix");
  if (!valid) check.error("ReplacePrefixMatch needs exactly one match, and that of type PathPrefix");
}

const pathCharacters = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/u;
const notInPaths = ["//", "/./", "/../", "%2f", "%2F", "#"];

function checkPath({ type = "PathPrefix", value = "/" }: PathMatch, check: Check): void {
  if (type === "RegularExpression") return;
  const at = check.at("value");
  if (!value.startsWith("/")) {
    at.error(`a path must begin with /, is ${JSON.stringify(value)}`);
    return;
  }
  const found = notInPaths.find((part) => value.includes(part)) ?? ["/..", "/."].find((end) => value.endsWith(end));
  if (found !== undefined) at.error(`a path must not contain ${found}: no request has it when it is matched`);
  else if (!pathCharacters.test(value)) at.error(`${JSON.stringify(value)} holds characters that no path has`, "write them as %XX");
}
