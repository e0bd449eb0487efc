// Istio's rules for one HTTP route.
import type { CorsPolicy } from "./cors-policy.ts";
import type { Destination, RouteDestination } from "./destination.ts";
import { GRPC_STATUS_NAMES } from "./grpc-status.ts";
import type { HTTPFaultInjection } from "./http-fault.ts";
import type { HTTPRetry } from "./http-retry.ts";
import type { HTTPDirectResponse, HTTPRedirect, HTTPRewrite, HTTPRoute, HTTPRouteDestination } from "./http-route.ts";
import {
  authorityEdits,
  checkDuration,
  checkExpression,
  checkHeaders,
  checkPercentInteger,
  isHeaderName,
} from "#api/validation/common-rules";
import { isDnsLabel, portFault, wildcardDomainFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";
import { checkHttpMatch } from "./validate-match.ts";

export function checkHttpRoute(route: HTTPRoute, isDelegate: boolean, check: Check): void {
  checkConflicts(route, isDelegate, check);
  for (const [index, match] of (route.match ?? []).entries()) checkHttpMatch(match, check.at("match", index));
  checkHeaders(route.headers, check.at("headers"));
  checkCors(route.corsPolicy, check.at("corsPolicy"));
  checkFault(route.fault, check.at("fault"));
  checkMirrors(route, check);
  checkRedirect(route.redirect, route, check.at("redirect"));
  checkDirectResponse(route.directResponse, check.at("directResponse"));
  checkRetry(route.retries, check.at("retries"));
  checkRewrite(route.rewrite, check.at("rewrite"));
  const authorities = authorityEdits(route.headers?.request).length + (filled(route.rewrite?.authority) ? 1 : 0);
  if (authorities > 1) check.error("the authority is set more than once", "keep rewrite.authority or one header edit");
  for (const [index, destination] of (route.route ?? []).entries()) checkHeaders(destination.headers, check.at("route", index, "headers"));
  checkDestinations(route.route ?? [], check.at("route"));
  checkDuration(route.timeout, check.at("timeout"));
}

function filled(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}

function checkConflicts(route: HTTPRoute, isDelegate: boolean, check: Check): void {
  const routes = (route.route ?? []).length > 0;
  if (!isDelegate && route.delegate !== undefined) {
    if (route.redirect !== undefined) check.at("redirect").error("cannot stand beside delegate");
    if (route.route !== undefined) check.at("route").error("cannot stand beside delegate");
    return;
  }
  if (isDelegate && route.delegate !== undefined) check.at("delegate").error("a delegate cannot delegate once more");
  const answer = route.redirect !== undefined ? "redirect" : route.directResponse !== undefined ? "directResponse" : undefined;
  if (answer === undefined) {
    if (!routes) check.error("says not what happens to a request", "add route, redirect or directResponse");
  } else {
    if (routes) check.at("route").error(`cannot stand beside ${answer}`);
    if (route.fault !== undefined) check.at("fault").error(`cannot stand beside ${answer}`);
    if (route.rewrite !== undefined) check.at("rewrite").error(`cannot stand beside ${answer}`);
    if (answer === "redirect" && route.directResponse !== undefined) check.at("directResponse").error("cannot stand beside redirect");
  }
  if (route.mirror !== undefined && (route.mirrors ?? []).length > 0) check.at("mirror").error("cannot stand beside mirrors");
}

export function checkDestination(destination: Destination, check: Check): void {
  if (destination.host === "*") check.at("host").error("* is no destination");
  else check.at("host").refuse(wildcardDomainFault(destination.host));
  if (filled(destination.subset) && !isDnsLabel(destination.subset ?? "")) {
    check.at("subset").error(`${JSON.stringify(destination.subset)} is no subset name`);
  }
  if (destination.port !== undefined) check.at("port", "number").refuse(portFault(destination.port.number ?? 0));
}

export function checkDestinations(destinations: readonly (HTTPRouteDestination | RouteDestination)[], check: Check): void {
  let total = 0;
  for (const [index, entry] of destinations.entries()) {
    checkDestination(entry.destination, check.at(index, "destination"));
    const weight = entry.weight ?? 0;
    if (weight < 0) check.at(index, "weight").error(`must be 0 or more, is ${weight}`);
    total += weight;
  }
  if (destinations.length > 1 && total === 0) check.error("the weights of several destinations must be more than 0 together", "add weight");
}

function checkMirrors(route: HTTPRoute, check: Check): void {
  if (route.mirrorPercent !== undefined) {
    checkPercentInteger(route.mirrorPercent, check.at("mirrorPercent"));
    check.at("mirrorPercent").warning("is deprecated", "use mirrorPercentage");
  }
  checkWholePercentage(route.mirrorPercentage?.value, check.at("mirrorPercentage", "value"));
  if (route.mirror !== undefined) checkDestination(route.mirror, check.at("mirror"));
  for (const [index, mirror] of (route.mirrors ?? []).entries()) {
    checkDestination(mirror.destination, check.at("mirrors", index, "destination"));
    checkWholePercentage(mirror.percentage?.value, check.at("mirrors", index, "percentage", "value"));
  }
}

function checkWholePercentage(value: number | undefined, check: Check): void {
  if (value !== undefined && (value < 0 || value > 100)) check.error(`must be between 0 and 100, is ${value}`);
}

/** Envoy counts in millionths, so nothing lies between 0 and 0.0001. */
function checkPercentage(value: number | undefined, check: Check): void {
  if (value === undefined || value === 0) return;
  if (value < 0.0001 || value > 100) check.error(`must be 0, or between 0.0001 and 100, is ${value}`);
}

function checkFault(fault: HTTPFaultInjection | undefined, check: Check): void {
  if (fault === undefined) return;
  const { abort, delay } = fault;
  if (abort === undefined && delay === undefined) check.error("is empty", "add delay or abort");
  if (abort !== undefined) {
    const at = check.at("abort");
    checkPercentage(abort.percentage?.value, at.at("percentage", "value"));
    if (abort.http2Error !== undefined) at.at("http2Error").error("is not supported", "use httpStatus or grpcStatus");
    else if (abort.httpStatus !== undefined) checkStatus(abort.httpStatus, at.at("httpStatus"));
    else if (abort.grpcStatus === undefined) at.warning("says not with what", "add httpStatus or grpcStatus");
    else if (!GRPC_STATUS_NAMES.includes(abort.grpcStatus)) {
      at.at("grpcStatus").error(`${JSON.stringify(abort.grpcStatus)} is no gRPC status`, "for example UNAVAILABLE or NOT_FOUND");
    }
  }
  if (delay === undefined) return;
  const at = check.at("delay");
  checkPercentage(delay.percentage?.value, at.at("percentage", "value"));
  checkPercentInteger(delay.percent, at.at("percent"));
  checkDuration(delay.fixedDelay, at.at("fixedDelay"));
  if (delay.exponentialDelay !== undefined) at.at("exponentialDelay").error("is not supported", "use fixedDelay");
}

/** 600 passes, as it does in Istio. */
function checkStatus(status: number, check: Check): void {
  if (status < 200 || status > 600) check.error(`must be between 200 and 599, is ${status}`);
}

const maxBodyBytes = 1024 * 1024;
const largeBodyBytes = 100 * 1024;

function checkDirectResponse(response: HTTPDirectResponse | undefined, check: Check): void {
  if (response === undefined) return;
  checkStatus(response.status, check.at("status"));
  const { body } = response;
  const size = body?.bytes === undefined ? Buffer.byteLength(body?.string ?? "") : Buffer.byteLength(body.bytes, "base64");
  if (size > maxBodyBytes) check.at("body").error("must be 1 MB or less", "serve it from a workload");
  else if (size > largeBodyBytes) check.at("body").warning("is large: every proxy keeps a copy");
  if (body?.bytes !== undefined && !/^[A-Za-z0-9+/_-]*={0,2}$/u.test(body.bytes)) check.at("body", "bytes").error("is not base64");
}

function checkRedirect(redirect: HTTPRedirect | undefined, route: HTTPRoute, check: Check): void {
  if (redirect === undefined) return;
  const { uri, prefixRewrite, authority, scheme, redirectCode, port, derivePort } = redirect;
  if (filled(uri) && filled(prefixRewrite)) check.at("prefixRewrite").error("cannot stand beside uri");
  if (filled(prefixRewrite) && (route.match ?? []).some((match) => match.uri !== undefined && match.uri.prefix === undefined)) {
    check.at("prefixRewrite").error("needs matches on a uri prefix");
  }
  if (![uri, prefixRewrite, authority, scheme].some(filled) && port === undefined && derivePort === undefined) {
    check.error("leads nowhere else", "add uri, authority, scheme or port");
  }
  if (redirectCode !== undefined && redirectCode !== 0 && (redirectCode < 300 || redirectCode > 399)) {
    check.at("redirectCode").error(`must be between 300 and 399, is ${redirectCode}`);
  }
  if (filled(scheme) && scheme !== "http" && scheme !== "https") check.at("scheme").error("must be http or https");
  if (port !== undefined && port > 0) check.at("port").refuse(portFault(port));
}

function checkRewrite(rewrite: HTTPRewrite | undefined, check: Check): void {
  if (rewrite === undefined) return;
  const { uri, authority, uriRegexRewrite } = rewrite;
  if (filled(uri) && uriRegexRewrite !== undefined) check.at("uriRegexRewrite").error("cannot stand beside uri");
  if (!filled(uri) && !filled(authority) && uriRegexRewrite === undefined)
    check.error("rewrites nothing", "add uri, uriRegexRewrite or authority");
  if (uriRegexRewrite === undefined) return;
  const at = check.at("uriRegexRewrite");
  if (!filled(uriRegexRewrite.match) || !filled(uriRegexRewrite.rewrite)) at.error("needs both match and rewrite");
  else checkExpression(uriRegexRewrite.match ?? "", at.at("match"));
}

const retryConditions: ReadonlySet<string> = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

// The status codes that have a name (IANA), as Go knows them.
const namedStatuses: ReadonlySet<number> = new Set([
  100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404,
  405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502,
  503, 504, 505, 506, 507, 508, 510, 511,
]);

export function checkRetry(retry: HTTPRetry | undefined, check: Check): void {
  if (retry === undefined) return;
  const attempts = retry.attempts ?? 0;
  if (attempts < 0) check.at("attempts").error(`must be 0 or more, is ${attempts}`);
  const settings = retry.perTryTimeout !== undefined || filled(retry.retryOn) || retry.retryRemoteLocalities !== undefined;
  if (attempts === 0 && settings) check.error("sets retries that attempts: 0 turns off", "set attempts or remove the others");
  checkDuration(retry.perTryTimeout, check.at("perTryTimeout"));
  checkDuration(retry.backoff, check.at("backoff"));
  if (!filled(retry.retryOn)) return;
  for (const condition of (retry.retryOn ?? "").split(",")) {
    const status = /^[-+]?\d+$/u.test(condition) ? Number(condition) : 0;
    if (!namedStatuses.has(status) && !retryConditions.has(condition)) {
      check
        .at("retryOn")
        .error(`${JSON.stringify(condition)} is no retry condition`, "Envoy's names or status codes, with commas and no spaces between");
    }
  }
}

const corsMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"]);

function checkCors(policy: CorsPolicy | undefined, check: Check): void {
  if (policy === undefined) return;
  for (const [index, origin] of (policy.allowOrigins ?? []).entries()) {
    const at = check.at("allowOrigins", index);
    if (![origin.exact, origin.prefix, origin.regex].some(filled)) at.error("must not be empty", "add exact, prefix or regex");
    else if (origin.regex !== undefined) checkExpression(origin.regex, at.at("regex"));
  }
  for (const [index, method] of (policy.allowMethods ?? []).entries()) {
    if (!corsMethods.has(method)) check.at("allowMethods", index).error(`${JSON.stringify(method)} is no method`);
  }
  for (const field of ["allowHeaders", "exposeHeaders"] as const) {
    for (const [index, name] of (policy[field] ?? []).entries()) {
      if (!isHeaderName(name)) check.at(field, index).error(`${JSON.stringify(name)} is no header name`);
    }
  }
  checkDuration(policy.maxAge, check.at("maxAge"));
  if (policy.maxAge !== undefined && policy.maxAge % 1000 !== 0) check.at("maxAge").error("must be whole seconds");
}
