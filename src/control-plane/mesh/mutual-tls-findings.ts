// DestinationRules and Gateways that ask for Istio's mutual TLS where the mesh can issue no certificates. Pure.
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { Finding } from "#api/finding";
import type { GatewaySpec } from "#api/gateway";
import { keyOf } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import { fullHost } from "./host.ts";
import type { Mesh } from "./mesh.ts";
import { writtenPolicies } from "./written-policies.ts";

export interface MutualTlsInputs {
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  readonly domain: string;
}

export function mutualTlsFindings({ mesh, objects, domain }: MutualTlsInputs): readonly Finding[] {
  if (mesh.hasCertificateAuthority) return [];
  const findings: Finding[] = [];
  for (const object of objects.list<DestinationRuleSpec>("DestinationRule")) {
    const host = fullHost(object.spec.host, object.metadata.namespace, domain);
    for (const { policy, field } of writtenPolicies(object.spec)) {
      if (policy.tls?.mode !== "ISTIO_MUTUAL") continue;
      findings.push({
        level: "error",
        code: "MZ0005",
        message: `ISTIO_MUTUAL needs a certificate authority, which this mesh does not have: requests for ${host} are answered with 503`,
        object: keyOf(object),
        field: `${field}.tls.mode`,
        hint: "remove the tls block, or use mode DISABLE, to send plain HTTP between the workloads",
      });
    }
  }
  for (const object of objects.list<GatewaySpec>("Gateway")) {
    for (const [index, { port, tls }] of (object.spec.servers ?? []).entries()) {
      if (tls?.mode !== "ISTIO_MUTUAL") continue;
      findings.push({
        level: "error",
        code: "MZ0005",
        message: `ISTIO_MUTUAL needs a certificate authority, which this mesh does not have: the server of port ${port.number} is not opened`,
        object: keyOf(object),
        field: `spec.servers[${index}].tls.mode`,
        hint: "use mode SIMPLE or MUTUAL with a credentialName",
      });
    }
  }
  return findings;
}
