// Cross-origin resource sharing, answered by the proxy.
import { bool, duration, enumeration, field, message, repeated, string, wrapped, type Decoded } from "#api/declaration";
import { stringMatch } from "#api/string-match";

export const corsPolicy = message("CorsPolicy", {
  allowOrigin: field(repeated(string), "Origins that may call, as they stand; allowOrigins replaces it"),
  allowOrigins: field(repeated(stringMatch), "Origins that may call"),
  allowMethods: field(repeated(string), "Methods named in Access-Control-Allow-Methods"),
  allowHeaders: field(repeated(string), "Request headers named in Access-Control-Allow-Headers"),
  exposeHeaders: field(repeated(string), "Response headers that a browser may hand to the page"),
  maxAge: field(duration, "How long a browser may keep the answer to a preflight"),
  allowCredentials: field(wrapped(bool), "Whether a browser may send credentials"),
  unmatchedPreflights: field(enumeration(["UNSPECIFIED", "FORWARD", "IGNORE"]), "What happens to preflights of origins that do not match"),
});
export type CorsPolicy = Decoded<typeof corsPolicy>;
