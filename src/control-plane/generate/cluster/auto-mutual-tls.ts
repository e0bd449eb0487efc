// Whether a cluster offers the mesh's mutual TLS where no rule says anything. A guess as istiod makes it, from what holds for the whole
// namespace: which endpoint takes it is decided endpoint by endpoint.
import type { Mesh, ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Service, ServicePort } from "#control-plane/registry/service";
import { asksForOriginalDestination } from "./traffic-policy.ts";

const NO_LABELS = {};

export function autoMutualTls(
  mesh: Mesh,
  service: Service,
  port: ServicePort,
  rule: ResolvedDestinationRule | undefined,
  subset: string,
): boolean {
  if (!mesh.hasCertificateAuthority || mesh.config.enableAutoMtls === false || service.external) return false;
  if (service.resolution === "NONE" || asksForOriginalDestination(rule, subset)) {
    // Where the proxy cannot tell endpoints apart all of them must take it.
    const endpoints = mesh.endpoints(service.hostname, port.number, service.namespace);
    if (endpoints.length === 0 || endpoints.some(({ tlsMode }) => tlsMode === "disabled")) return false;
  }
  return mesh.mutualTlsMode(service.namespace, NO_LABELS, 0) !== "DISABLE";
}
