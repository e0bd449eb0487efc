// What is wrong with the credentials of connected proxies, as findings.
import type { Finding } from "#api/finding";
import { keyOf } from "#api/object";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { credentialUses } from "./credential-names.ts";
import { secretFor } from "./secret.ts";

export function credentialFindings(views: readonly ProxyView[]): readonly Finding[] {
  const findings = new Map<string, Finding>();
  for (const view of views) {
    for (const { secretName, object, field } of credentialUses(view)) {
      const secret = secretFor(secretName, view);
      if (!("fault" in secret)) continue;
      const finding: Finding = {
        level: "error",
        code: "MZ0010",
        message: `${secret.fault}: what needs it is not served by proxies of namespace ${view.node.namespace}, everything else is`,
        ...(object === undefined ? {} : { object: keyOf(object) }),
        ...(field === "" ? {} : { field }),
      };
      findings.set(JSON.stringify(finding), finding);
    }
  }
  return [...findings.values()];
}
