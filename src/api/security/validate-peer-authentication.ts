// Istio's rules for a PeerAuthentication.
import type { PeerAuthenticationSpec } from "#api/peer-authentication";
import { checkWorkloadSelector } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";

export function validatePeerAuthentication(spec: PeerAuthenticationSpec, check: Check): void {
  checkWorkloadSelector(spec.selector, check.at("selector"));
  if (spec.portLevelMtls === undefined) return;
  const at = check.at("portLevelMtls");
  const ports = Object.keys(spec.portLevelMtls);
  if (ports.length === 0) at.error("is empty", "name a port or remove it");
  else if (Object.keys(spec.selector?.matchLabels ?? {}).length === 0) {
    at.error("ports belong to workloads: a policy for a namespace or mesh has none", "add selector.matchLabels");
  }
  for (const port of ports) {
    const valid = /^\d{1,5}$/u.test(port) && Number(port) >= 1 && Number(port) <= 65535;
    if (!valid) at.at(port).error(`a port is between 1 and 65535, is ${JSON.stringify(port)}`);
  }
}
