// Objects that want the same thing: a host of the mesh (IST0109), a port of a gateway (MZ0007). Pure.
import { findingIdentity } from "#control-plane/config/finding-diff";
import type { Finding } from "#api/finding";
import type { GatewaySpec } from "#api/gateway";
import { keyOf } from "#api/object";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { Labels } from "#control-plane/registry/labels";
import type { Service } from "#control-plane/registry/service";
import { mergeGateways, selectGateways } from "./gateway-servers.ts";
import type { Mesh, ResolvedVirtualService } from "./mesh.ts";
import { MESH_GATEWAY, resolveVirtualService } from "./resolve-virtual-service.ts";
import { visibilitiesOverlap, visibilityOf } from "./visibility.ts";

export interface ConflictInputs {
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  readonly domain: string;
  readonly gatewayLabels: readonly Labels[];
}

export function conflictFindings(inputs: ConflictInputs): readonly Finding[] {
  return [...meshHostConflicts(inputs), ...gatewayPortConflicts(inputs)];
}

/** The older VirtualService of a host counts for sidecars; the others have no effect there. Gateways merge them, so they do not count. */
function meshHostConflicts({ mesh, objects, domain }: ConflictInputs): readonly Finding[] {
  const byHost = new Map<string, ResolvedVirtualService[]>();
  for (const object of objects.list<VirtualServiceSpec>("VirtualService")) {
    const resolved = resolveVirtualService(object, domain);
    if (!resolved.gateways.includes(MESH_GATEWAY)) continue;
    for (const host of new Set(resolved.hosts)) {
      const list = byHost.get(host);
      if (list === undefined) byHost.set(host, [resolved]);
      else list.push(resolved);
    }
  }
  const visibility = ({ object }: ResolvedVirtualService): ReturnType<typeof visibilityOf> =>
    visibilityOf(object.spec.exportTo, object.metadata.namespace, mesh.config.defaultVirtualServiceExportTo);
  const findings: Finding[] = [];
  for (const [host, list] of byHost) {
    for (const [index, resolved] of list.entries()) {
      const others = list.filter((other) => other !== resolved && visibilitiesOverlap(visibility(other), visibility(resolved)));
      if (others.length === 0) continue;
      const names = others.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`).join(", ");
      const winner = others.some((other) => list.indexOf(other) < index)
        ? "this one has no effect"
        : "this one counts, because it is the oldest";
      findings.push({
        level: "error",
        code: "IST0109",
        message: `the VirtualServices ${names} define the same host ${host} for the mesh: ${winner}`,
        object: keyOf(resolved.object),
        field: "spec.hosts",
        hint: "merge them into one VirtualService",
      });
    }
  }
  return findings;
}

function gatewayPortConflicts({ mesh, objects, gatewayLabels }: ConflictInputs): readonly Finding[] {
  const gateways = objects.list<GatewaySpec>("Gateway");
  const findings = new Map<string, Finding>();
  for (const labels of gatewayLabels) {
    const services = mesh.services.filter((service) => isServiceOf(service, labels));
    for (const finding of mergeGateways(selectGateways(gateways, labels), services).conflicts)
      findings.set(findingIdentity(finding), finding);
  }
  return [...findings.values()];
}

function isServiceOf(service: Service, labels: Labels): boolean {
  return service.selector !== undefined && Object.entries(service.selector).every(([key, value]) => labels[key] === value);
}
