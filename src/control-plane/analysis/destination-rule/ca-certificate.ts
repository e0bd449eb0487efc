// TLS towards a host without caCertificates takes the word of any authority that the operating system trusts, or of anybody. (Istio's rule:
// a credentialName counts only with a workload selector, because only then does a sidecar fetch it.)
import type { TrafficPolicy } from "#api/destination-rule";
import { fullName, type Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";
import type { Written } from "#control-plane/analysis/specs";

export const caCertificateAnalyzer: Analyzer = {
  name: "destinationrule.CaCertificateAnalyzer",
  description: "DestinationRules with TLS say which authority the server's certificate must come from",
  inputs: ["DestinationRule"],
  analyze: ({ objects, report }) => {
    for (const rule of objects.list("DestinationRule")) {
      const { spec, key } = rule;
      const host = spec.host ?? "";
      const unverified = (tls: Written<TrafficPolicy>["tls"]): string | undefined => {
        if (tls?.mode !== "SIMPLE" && tls?.mode !== "MUTUAL") return undefined;
        const byCredential = (tls.credentialName ?? "") !== "" && spec.workloadSelector !== undefined;
        return (tls.caCertificates ?? "") === "" && !byCredential ? tls.mode : undefined;
      };
      const mode = unverified(spec.trafficPolicy?.tls);
      if (mode !== undefined) {
        const values = [fullName(rule), key.namespace, mode, host] as const;
        const near = "spec.trafficPolicy.tls";
        report(rule, MESSAGES.NoServerCertificateVerificationDestinationLevel, [...values], {
          near,
          hint: hintFor(spec.trafficPolicy?.tls),
        });
      }
      for (const [index, settings] of (spec.trafficPolicy?.portLevelSettings ?? []).entries()) {
        const portMode = unverified(settings?.tls);
        if (portMode === undefined) continue;
        const values = [fullName(rule), key.namespace, portMode, host, String(settings?.port?.number ?? 0)] as const;
        const near = `spec.trafficPolicy.portLevelSettings[${index}].tls`;
        report(rule, MESSAGES.NoServerCertificateVerificationPortLevel, [...values], { near, hint: hintFor(settings?.tls) });
      }
    }
  },
};

function hintFor(tls: Written<TrafficPolicy>["tls"]): string {
  return tls?.insecureSkipVerify === true
    ? "with insecureSkipVerify nothing verifies who answers: replace it by caCertificates with the file of the authority"
    : "any authority that the operating system trusts will do; if there is only one, add caCertificates with its file";
}
