// Fields and kinds that Istio has given up.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const REMOVED_GROUP = "rbac.istio.io";
const REMOVED_KINDS = new Set(["ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"]);

export const deprecationAnalyzer: Analyzer = {
  name: "deprecation.DeprecationAnalyzer",
  description: "No field or kind is used that Istio has given up",
  inputs: ["VirtualService", "Sidecar", "CustomResourceDefinition"],
  analyze: ({ objects, report }) => {
    for (const virtualService of objects.list("VirtualService")) {
      const index = (virtualService.spec.http ?? []).findIndex((rule) => (rule?.fault?.delay?.percent ?? 0) > 0);
      if (index === -1) continue;
      const where = { near: `spec.http[${index}].fault.delay.percent`, hint: "write percentage: {value: ...}" };
      report(virtualService, MESSAGES.Deprecated, ["fault.delay.percent is replaced by percentage"], where);
    }
    for (const sidecar of objects.list("Sidecar")) {
      if (sidecar.spec.outboundTrafficPolicy?.egressProxy === undefined) continue;
      const where = { near: "spec.outboundTrafficPolicy.egressProxy", hint: "remove it" };
      report(sidecar, MESSAGES.Deprecated, ["outboundTrafficPolicy.egressProxy has no effect"], where);
    }
    for (const crd of objects.list("CustomResourceDefinition")) {
      const kind = crd.spec.names?.kind ?? "";
      if (crd.spec.group !== REMOVED_GROUP || !REMOVED_KINDS.has(kind)) continue;
      report(crd, MESSAGES.Deprecated, [`the kind ${kind} of ${REMOVED_GROUP} is gone`], { hint: "use AuthorizationPolicies" });
    }
  },
};
