// RequestAuthentication: which tokens (JWT) of callers are accepted, and what is done with their claims.
import { bool, duration, enumeration, field, limited, message, repeated, required, string, type Decoded } from "./declaration.ts";
import { oneSelector, policySelection } from "./selector.ts";

const filled = limited(string, { minLength: 1 });

const jwksAddress = limited(string, {
  minLength: 1,
  maxLength: 2048,
  rules: [{ rule: 'url(self).getScheme() in ["http", "https"]', message: "url must have scheme http:// or https://" }],
});

const jwtHeader = message("JWTHeader", {
  name: required(filled, "The header's name"),
  prefix: field(string, "What stands before the token in the header"),
});

const claimToHeader = message("ClaimToHeader", {
  header: required(limited(filled, { pattern: "^[-_A-Za-z0-9]+$" }), "The header that is set"),
  claim: required(filled, "The claim that is copied"),
});

export const jwtRule = limited(
  message("JWTRule", {
    issuer: field(filled, "Who issued the token (iss)"),
    audiences: field(repeated(filled), "For whom the token is (aud); without any every audience is accepted"),
    jwksUri: { ...field(jwksAddress, "Where the issuer's public keys are served"), alsoWritten: "jwks_uri" },
    jwks: field(string, "The issuer's public keys, in place"),
    fromHeaders: field(repeated(jwtHeader), "Headers that hold the token; without any Authorization: Bearer"),
    fromParams: field(repeated(filled), "Query parameters that hold the token"),
    fromCookies: field(repeated(filled), "Cookies that hold the token"),
    outputPayloadToHeader: field(string, "The header that the token's payload is handed on in"),
    outputClaimToHeaders: field(repeated(claimToHeader), "Claims that are handed on in headers"),
    forwardOriginalToken: field(bool, "Whether the application sees the token"),
    timeout: field(duration, "The time that fetching the keys may take"),
    spaceDelimitedClaims: field(limited(repeated(filled), { maxItems: 64 }), "Claims that hold several values with spaces between"),
    presence: field(enumeration(["OPTIONAL", "REQUIRED"]), "Whether a request without a token passes"),
  }),
  {
    rules: [
      {
        rule: "(has(self.jwksUri) ? 1 : 0) + (has(self.jwks_uri) ? 1 : 0) + (has(self.jwks) ? 1 : 0) <= 1",
        message: "only one of jwks or jwksUri can be set",
      },
    ],
  },
);
export type JWTRule = Decoded<typeof jwtRule>;

export const requestAuthentication = limited(
  message("RequestAuthentication", {
    ...policySelection,
    jwtRules: field(limited(repeated(jwtRule), { maxItems: 4096 }), "Tokens that are accepted; a request with another one is refused"),
  }),
  oneSelector,
);
export type RequestAuthenticationSpec = Decoded<typeof requestAuthentication>;
