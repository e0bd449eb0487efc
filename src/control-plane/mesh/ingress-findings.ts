// Ingresses that nobody serves, and what an Ingress asks for in vain. One that names another controller is that one's. Pure.
import type { IngressSpec } from "#api/kubernetes/ingress";
import type { Finding } from "#api/finding";
import type { MeshConfigSpec } from "#api/mesh-config";
import { keyOf } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import { isServed, namesClass } from "./ingress.ts";

export interface IngressFindingInputs {
  readonly objects: ObjectSet;
  readonly config: MeshConfigSpec;
}

export function ingressFindings(inputs: IngressFindingInputs): readonly Finding[] {
  const findings: Finding[] = [];
  for (const ingress of inputs.objects.list<IngressSpec>("Ingress")) {
    const object = keyOf(ingress);
    if (!isServed(ingress, inputs)) {
      if (namesClass(ingress, inputs)) continue;
      findings.push({
        level: "warning",
        code: "MZ0004",
        object,
        field: "spec.ingressClassName",
        message: "no gateway serves it: it names no class, and the mesh takes Ingresses of its own class only",
        hint: `add the annotation kubernetes.io/ingress.class: ${inputs.config.ingressClass ?? "istio"}, or set ingressControllerMode DEFAULT in MeshConfig`,
      });
    } else if (ingress.spec.defaultBackend !== undefined) {
      findings.push({
        level: "warning",
        code: "MZ0004",
        object,
        field: "spec.defaultBackend",
        message: "has no effect, as in Istio: it would stand against every VirtualService of the gateway",
        hint: "add a rule without a host",
      });
    }
  }
  return findings;
}
