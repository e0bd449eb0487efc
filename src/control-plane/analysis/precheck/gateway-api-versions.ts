// CRDs of the Gateway API that are installed must serve the versions that Istio reads; not to have them is fine.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const GROUP = "gateway.networking.k8s.io";
const STABLE = { version: "v1", kinds: new Set(["Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute"]) };
const BETA = { version: "v1beta1", kinds: new Set(["Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"]) };

export const gatewayApiVersionsAnalyzer: Analyzer = {
  name: "precheck.GatewayAPIVersions",
  description: "CRDs of the Gateway API serve the versions that Istio reads",
  inputs: ["CustomResourceDefinition"],
  analyze: ({ objects, report }) => {
    for (const crd of objects.list("CustomResourceDefinition")) {
      if (crd.spec.group !== GROUP) continue;
      const kind = crd.spec.names?.kind ?? "";
      const served = (crd.spec.versions ?? []).flatMap((version) => (version?.served === true ? (version.name ?? "") : [])).toSorted();
      const written = served.length === 0 ? "none" : served.join(",");
      const where = { near: "spec.versions", hint: "install newer CRDs of the Gateway API" };
      if (BETA.kinds.has(kind) && !served.includes(BETA.version)) {
        report(crd, MESSAGES.UnsupportedGatewayAPIVersion, [written, BETA.version], where);
      }
      if (STABLE.kinds.has(kind) && !served.includes(STABLE.version)) {
        report(crd, MESSAGES.FutureUnsupportedGatewayAPIVersion, [written, STABLE.version], where);
      }
    }
  },
};
