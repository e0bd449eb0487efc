// One HTTP route of a VirtualService: conditions, and what happens to a request that fulfils them.
import {
  duration,
  enumeration,
  field,
  int32,
  limited,
  message,
  repeated,
  required,
  string,
  uint32,
  wrapped,
  type Decoded,
} from "#api/declaration";
import { corsPolicy } from "./cors-policy.ts";
import { destination } from "./destination.ts";
import { headers } from "./headers.ts";
import { httpFaultInjection, percent } from "./http-fault.ts";
import { httpMatchRequest } from "./http-match.ts";
import { httpRetry } from "./http-retry.ts";

export const httpRouteDestination = message("HTTPRouteDestination", {
  destination: required(destination, "Where requests go"),
  weight: field(int32, "Share of the requests, relative to the sum of all weights"),
  headers: field(headers, "Header edits for requests that go here"),
});
export type HTTPRouteDestination = Decoded<typeof httpRouteDestination>;

export const httpRedirect = message(
  "HTTPRedirect",
  {
    uri: field(string, "The path of the new address"),
    authority: field(string, "The host of the new address"),
    port: field(uint32, "The port of the new address"),
    derivePort: field(enumeration(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]), "Where the port of the new address comes from"),
    scheme: field(string, "The scheme of the new address"),
    redirectCode: field(uint32, "The status of the answer: 301, 302, 303, 307 or 308"),
    prefixRewrite: field(string, "What replaces the path prefix that matched"),
  },
  [["port", "derivePort"]],
);
export type HTTPRedirect = Decoded<typeof httpRedirect>;

const httpBody = message(
  "HTTPBody",
  { string: field(string, "The body as text"), bytes: field(limited(string, { format: "byte" }), "The body in base64") },
  [["string", "bytes"]],
);
export type HTTPBody = Decoded<typeof httpBody>;

export const httpDirectResponse = message("HTTPDirectResponse", {
  status: required(uint32, "The status of the answer"),
  body: field(httpBody, "The body of the answer; no more than 1 MB"),
});
export type HTTPDirectResponse = Decoded<typeof httpDirectResponse>;

const regexRewrite = message("RegexRewrite", {
  match: field(string, "An RE2 expression for the parts of the path that are replaced"),
  rewrite: field(string, "What replaces them; \\1 is the first capture"),
});
export type RegexRewrite = Decoded<typeof regexRewrite>;

export const httpRewrite = message("HTTPRewrite", {
  uri: field(string, "The new path, or what replaces the prefix that matched"),
  authority: field(string, "The new host"),
  uriRegexRewrite: field(regexRewrite, "Replaces parts of the path by an expression"),
});
export type HTTPRewrite = Decoded<typeof httpRewrite>;

const httpMirrorPolicy = message("HTTPMirrorPolicy", {
  destination: required(destination, "Where copies go"),
  percentage: field(percent, "Share of the requests that are copied"),
});
export type HTTPMirrorPolicy = Decoded<typeof httpMirrorPolicy>;

const delegate = message("Delegate", {
  name: field(string, "The VirtualService that holds the routes"),
  namespace: field(string, "Its namespace; without it that of the delegating one"),
});
export type Delegate = Decoded<typeof delegate>;

export const httpRoute = message("HTTPRoute", {
  name: field(string, "A name, shown in access logs"),
  match: field(repeated(httpMatchRequest), "Conditions, of which one must hold; without any every request matches"),
  route: field(repeated(httpRouteDestination), "Where matching requests go"),
  redirect: field(httpRedirect, "Answer with another address"),
  directResponse: field(httpDirectResponse, "Answer without asking anybody"),
  delegate: field(delegate, "Another VirtualService whose routes take this one's place"),
  rewrite: field(httpRewrite, "Changes to path and host before the request goes on"),
  timeout: field(duration, "The time that the whole answer may take; without it there is no limit"),
  retries: field(httpRetry, "When and how often a request is tried again"),
  fault: field(httpFaultInjection, "Faults injected on purpose"),
  mirror: field(destination, "Where copies of the requests go"),
  mirrorPercent: {
    ...field(wrapped(uint32), "Share of the requests that are copied, in whole percent; mirrorPercentage replaces it"),
    alsoWritten: "mirror_percent",
  },
  mirrorPercentage: field(percent, "Share of the requests that are copied"),
  mirrors: field(repeated(httpMirrorPolicy), "Several places where copies go"),
  corsPolicy: field(corsPolicy, "Cross-origin resource sharing"),
  headers: field(headers, "Header edits for all requests of the route"),
});
export type HTTPRoute = Decoded<typeof httpRoute>;
