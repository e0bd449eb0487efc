// Rules for annotations that Istio gives a meaning, whatever the kind.
import type { Check } from "./violations.ts";

const alwaysReject = "internal.istio.io/webhook-always-reject";
/** Istio writes these on objects that it makes of others; written by a user they would lend rights. */
const internal = ["internal.istio.io/parent-namespace", "internal.istio.io/parents"] as const;
const dryRun = "istio.io/dry-run";

// Go's strconv.ParseBool.
const truths: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"]);

export function checkAnnotations(kind: string, spec: unknown, check: Check): void {
  const annotations = check.object.annotations ?? {};
  if (annotations[alwaysReject] !== undefined) {
    check.at(alwaysReject).error("asks for the object to be refused, to test that checks run", "remove it");
  }
  for (const name of internal) {
    if (annotations[name] !== undefined) check.at(name).error("is Istio's own and may not be set", "remove it");
  }
  const dry = annotations[dryRun];
  if (dry === undefined) return;
  const at = check.at(dryRun);
  if (kind !== "AuthorizationPolicy") {
    at.error("is for AuthorizationPolicy alone", "remove it");
    return;
  }
  const action = (spec as { readonly action?: string }).action ?? "ALLOW";
  if (action !== "ALLOW" && action !== "DENY") at.error(`is for the actions ALLOW and DENY, not ${action}`);
  else if (!truths.has(dry)) at.error(`must be "true" or "false", is ${JSON.stringify(dry)}`);
}
