// With RequestAuthentications istiod fetches keys from addresses that users write: it should know where it must not go.
import { fullName, type Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const BLOCKED_CIDRS = "BLOCKED_CIDRS_IN_JWKS_URIS";
const MAX_NAMES = 5;

export const blockedCidrsAnalyzer: Analyzer = {
  name: "authn.BlockedCIDRsAnalyzer",
  description: "istiod is told where it must not fetch keys from, when RequestAuthentications make it fetch keys",
  inputs: ["RequestAuthentication", "Deployment"],
  analyze: ({ objects, report }) => {
    const names = objects.list("RequestAuthentication").map(fullName);
    if (names.length === 0) return;
    const shown =
      names.length <= MAX_NAMES ? names.join(", ") : `${names.slice(0, MAX_NAMES).join(", ")}, and ${names.length - MAX_NAMES} more`;
    for (const deployment of objects.list("Deployment")) {
      if (deployment.labels["app"] !== "istiod") continue;
      const variables = (deployment.spec.template?.spec?.containers ?? []).flatMap((container) => container?.env ?? []);
      if (variables.some((variable) => variable?.name === BLOCKED_CIDRS && (variable.value ?? "") !== "")) continue;
      report(deployment, MESSAGES.JwksUriFetchUnrestricted, [names.length, shown], { hint: `set ${BLOCKED_CIDRS} in istiod's container` });
    }
  },
};
