// Gateways that want the same port for different protocols (MZ0007). Pure.
import { findingIdentity } from "#control-plane/config/finding-diff";
import type { Finding } from "#api/finding";
import type { GatewaySpec } from "#api/gateway";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { Labels } from "#control-plane/registry/labels";
import type { Service, ServicePort } from "#control-plane/registry/service";
import { mergeGateways } from "./gateway-servers.ts";
import type { Mesh } from "./mesh.ts";

export interface ConflictInputs {
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  readonly gatewayLabels: readonly Labels[];
}

export function gatewayPortConflicts({ mesh, objects, gatewayLabels }: ConflictInputs): readonly Finding[] {
  const gateways = objects.list<GatewaySpec>("Gateway");
  const findings = new Map<string, Finding>();
  for (const labels of gatewayLabels) {
    const services = mesh.services.filter((service) => isServiceOf(service, labels));
    // Without a proxy there is no endpoint to ask for ports by name: such a port stays what it is.
    const targetPort = (_: Service, port: ServicePort): number | undefined =>
      typeof port.targetPort === "number" ? port.targetPort : undefined;
    const { conflicts } = mergeGateways(gateways, { labels, services, targetPort });
    for (const finding of conflicts) findings.set(findingIdentity(finding), finding);
  }
  return [...findings.values()];
}

function isServiceOf(service: Service, labels: Labels): boolean {
  return service.selector !== undefined && Object.entries(service.selector).every(([key, value]) => labels[key] === value);
}
