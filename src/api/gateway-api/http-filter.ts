// The filters of an HTTPRoute.
import { bool, field, int32, required, string, type Decoded } from "#api/declaration";
import { choice, int64, list, portNumber, structure, text, whole } from "#api/structure";
import { backendObjectReference, preciseHostname } from "./references.ts";
import { filterFields, headerName } from "./route.ts";

export const httpMethods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;
export const redirectCodes: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const pathModifier = structure("HTTPPathModifier", {
  type: required(choice(["ReplaceFullPath", "ReplacePrefixMatch"]), "What is replaced"),
  replaceFullPath: field(text({ maxLength: 1024 }), "The new path"),
  replacePrefixMatch: field(text({ maxLength: 1024 }), "The new beginning, instead of the matched one"),
});
export type PathModifier = Decoded<typeof pathModifier>;

const requestRedirect = structure("HTTPRequestRedirectFilter", {
  scheme: field(choice(["http", "https"]), "The new scheme"),
  hostname: field(preciseHostname, "The new host"),
  path: field(pathModifier, "The new path"),
  port: field(portNumber, "The new port"),
  statusCode: field(int32, "301, 302, 303, 307 or 308; 302 when it is left out"),
});

const urlRewrite = structure("HTTPURLRewriteFilter", {
  hostname: field(preciseHostname, "The new host"),
  path: field(pathModifier, "The new path"),
});

const corsOrigin = text({
  minLength: 1,
  maxLength: 253,
  pattern: "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)",
  says: "*, or http:// or https:// and a host",
});

const corsFilter = structure("HTTPCORSFilter", {
  allowOrigins: field(list(corsOrigin, { maxItems: 64, listKeys: [] }), "Origins that may call"),
  allowCredentials: field(bool, "Whether cookies may be sent"),
  allowMethods: field(list(choice([...httpMethods, "*"]), { maxItems: 9, listKeys: [] }), "Methods that may be used"),
  allowHeaders: field(list(headerName, { maxItems: 64, listKeys: [] }), "Headers that may be sent"),
  exposeHeaders: field(list(headerName, { maxItems: 64, listKeys: [] }), "Headers that the page may read"),
  maxAge: field(whole(1, 2 ** 31 - 1), "Seconds that an answer is remembered; 5 when it is left out"),
});
export type CorsFilter = Decoded<typeof corsFilter>;

const externalAuth = structure("HTTPExternalAuthFilter", {
  protocol: required(choice(["HTTP", "GRPC"]), "How the server is asked"),
  backendRef: required(backendObjectReference, "The server that is asked"),
  grpc: field(
    structure("GRPCAuthConfig", { allowedHeaders: field(list(string, { maxItems: 64, listKeys: [] }), "Headers that are shown to it") }),
    "Settings of GRPC",
  ),
  http: field(
    structure("HTTPAuthConfig", {
      path: field(
        text({ maxLength: 1024, pattern: "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$", says: "a path" }),
        "Stands before the request's path",
      ),
      allowedHeaders: field(list(string, { maxItems: 64, listKeys: [] }), "Headers that are shown to it"),
      allowedResponseHeaders: field(list(string, { maxItems: 64, listKeys: [] }), "Headers of its answer that go on"),
    }),
    "Settings of HTTP",
  ),
  forwardBody: field(structure("ForwardBodyConfig", { maxSize: field(int64, "Bytes at most") }), "How much of the body is shown to it"),
});
export type ExternalAuth = Decoded<typeof externalAuth>;

/** The value of `type` and the field that goes with it. */
export const httpFilterSettings = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
  ExternalAuth: "externalAuth",
} as const;

export const httpRouteFilter = structure("HTTPRouteFilter", {
  type: required(
    choice(Object.keys(httpFilterSettings) as (keyof typeof httpFilterSettings)[]),
    "Which filter; its settings stand in the field of its name",
  ),
  ...filterFields,
  requestRedirect: field(requestRedirect, "Answers with a redirect"),
  urlRewrite: field(urlRewrite, "Changes host and path"),
  cors: field(corsFilter, "Answers for other origins"),
  externalAuth: field(externalAuth, "Asks a server whether a request may pass"),
});
export type HttpRouteFilter = Decoded<typeof httpRouteFilter>;
