// Two Gateways of the same proxies with one certificate: browsers join their hosts on one connection, and get 404 for half of them.
import { fullName, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects } from "#control-plane/registry/labels";

export const certificateAnalyzer: Analyzer = {
  name: "gateway.CertificateAnalyzer",
  description: "No two Gateways of the same proxies use one certificate",
  inputs: ["Gateway"],
  analyze: ({ objects, report }) => {
    const users = new Map<string, Set<ObjectOf<"Gateway">>>();
    for (const gateway of objects.list("Gateway")) {
      for (const certificate of certificatesOf(gateway)) {
        const set = users.get(certificate) ?? new Set();
        users.set(certificate, set.add(gateway));
      }
    }
    for (const gateway of objects.list("Gateway")) {
      const selector = labelsOf(gateway.spec.selector);
      for (const certificate of certificatesOf(gateway)) {
        for (const other of users.get(certificate) ?? []) {
          // The other one's selector may be narrower: then it is for some of the same proxies.
          if (other === gateway || !selects(selector, labelsOf(other.spec.selector))) continue;
          const names = [fullName(gateway), fullName(other)];
          const hint = "put the hosts into one Gateway, or use certificates of their own";
          report(gateway, MESSAGES.GatewayDuplicateCertificate, [names], { near: "metadata.name", hint });
        }
      }
    }
  },
};

/** What tells certificates apart: the credential, or the files of certificate and key. */
function certificatesOf({ spec }: ObjectOf<"Gateway">): ReadonlySet<string> {
  const found = new Set<string>();
  for (const server of spec.servers ?? []) {
    const { credentialName = "", serverCertificate = "", privateKey = "" } = server?.tls ?? {};
    if (credentialName !== "") found.add(credentialName);
    else if (serverCertificate !== "" && privateKey !== "") found.add(`${serverCertificate}|${privateKey}`);
  }
  return found;
}
