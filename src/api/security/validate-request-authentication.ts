// Istio's rules for a RequestAuthentication.
import type { JWTRule, RequestAuthenticationSpec } from "#api/request-authentication";
import { checkDuration } from "#api/validation/common-rules";
import { checkPolicySelection } from "#api/validation/selector-rules";
import { parseAddress } from "#api/validation/urls";
import type { Check } from "#api/validation/violations";
import { readJwks } from "./jwks.ts";

export function validateRequestAuthentication(spec: RequestAuthenticationSpec, check: Check): void {
  checkPolicySelection(spec, check);
  for (const [index, rule] of (spec.jwtRules ?? []).entries()) checkJwtRule(rule, check.at("jwtRules", index));
}

function checkJwtRule(rule: JWTRule, check: Check): void {
  const { issuer = "", jwksUri = "", jwks = "" } = rule;
  if (issuer === "" && jwksUri === "") check.error("needs an issuer or a jwksUri");
  if (jwksUri !== "" && jwks !== "") check.at("jwks").error("cannot stand beside jwksUri", "keep one of them");
  if (jwksUri !== "") checkAddress(jwksUri, check.at("jwksUri"));
  if (jwks !== "") {
    const at = check.at("jwks");
    const read = readJwks(jwks);
    at.refuse(read.fault);
    for (const index of read.secretKeys) {
      at.warning(`key ${index} holds a private key; tokens are checked with the public one alone`, "publish the public part only");
    }
  }
  checkDuration(rule.timeout, check.at("timeout"));
}

function checkAddress(address: string, check: Check): void {
  const parsed = parseAddress(address);
  if (parsed === undefined) check.error(`${JSON.stringify(address)} is no URL`);
  else if (parsed.scheme !== "http" && parsed.scheme !== "https") {
    check.error(`${JSON.stringify(address)} must begin with http:// or https://`);
  }
}
