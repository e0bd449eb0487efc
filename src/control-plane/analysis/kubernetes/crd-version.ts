// CRDs of the Gateway API that are too old: their resources are passed over.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version";

/** Istio 1.32's. */
const MINIMUM_VERSIONS = new Map<string, readonly [number, number, number]>([
  ["grpcroutes.gateway.networking.k8s.io", [1, 1, 0]],
  ["backendtlspolicies.gateway.networking.k8s.io", [1, 4, 0]],
  ["tlsroutes.gateway.networking.k8s.io", [1, 5, 0]],
  ["tcproutes.gateway.networking.k8s.io", [1, 6, 0]],
]);

export const crdVersionAnalyzer: Analyzer = {
  name: "k8sgateway.CRDVersionAnalyzer",
  description: "CRDs of the Gateway API are new enough",
  inputs: ["CustomResourceDefinition"],
  analyze: ({ objects, report }) => {
    for (const crd of objects.list("CustomResourceDefinition")) {
      const minimum = MINIMUM_VERSIONS.get(crd.key.name);
      const written = crd.annotations[BUNDLE_VERSION];
      if (minimum === undefined || written === undefined) continue;
      // Release candidates count as the release.
      const found = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?$/u.exec(written);
      if (found === null) continue;
      const installed = found.slice(1, 4).map((part) => Number(part ?? 0));
      const difference = minimum.map((part, index) => (installed[index] ?? 0) - part).find((step) => step !== 0) ?? 0;
      if (difference >= 0) continue;
      const values = [crd.key.name, written.replace(/^v/u, ""), minimum.join(".")] as const;
      const hint = "install newer CRDs of the Gateway API";
      report(crd, MESSAGES.GatewayAPICRDVersionBelowMinimum, [...values], {
        near: `metadata.annotations[${JSON.stringify(BUNDLE_VERSION)}]`,
        hint,
      });
    }
  },
};
