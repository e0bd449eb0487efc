// Services of one Deployment must agree on the protocol of a port, and on the port that leads to a target port.
import { fullName, type AnalysisContext, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { isDeploymentInMesh } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects } from "#control-plane/registry/labels";

const MANAGED_LABEL = "gateway.istio.io/managed";
const WAYPOINT = "istio.io-mesh-controller";

export const deploymentServicesAnalyzer: Analyzer = {
  name: "deployment.MultiServiceAnalyzer",
  description: "Services of one Deployment agree on protocols and ports",
  inputs: ["Service", "Deployment", "Namespace"],
  analyze: (context) => {
    const byNamespace = Map.groupBy(context.objects.list("Service"), ({ key }) => key.namespace);
    for (const deployment of context.objects.list("Deployment")) {
      if (deployment.labels[MANAGED_LABEL] === WAYPOINT || !isDeploymentInMesh(deployment, context.objects)) continue;
      const labels = labelsOf(deployment.spec.template?.metadata?.labels);
      const services = (byNamespace.get(deployment.key.namespace) ?? []).filter(({ spec }) => {
        const selector = labelsOf(spec.selector);
        return Object.keys(selector).length > 0 && selects(selector, labels);
      });
      checkProtocols(context, deployment, services);
      checkTargetPorts(context, deployment, services);
    }
  },
};

type Services = readonly ObjectOf<"Service">[];

function checkProtocols({ report }: AnalysisContext, deployment: ObjectOf<"Deployment">, services: Services): void {
  const byPort = new Map<number, { readonly protocols: Set<string>; readonly names: string[] }>();
  for (const service of services) {
    for (const port of service.spec.ports ?? []) {
      const number = port?.port ?? 0;
      let entry = byPort.get(number);
      if (entry === undefined) byPort.set(number, (entry = { protocols: new Set(), names: [] }));
      entry.protocols.add(port?.protocol ?? "TCP");
      entry.names.push(fullName(service));
    }
  }
  for (const [port, { protocols, names }] of byPort) {
    if (protocols.size < 2) continue;
    report(deployment, MESSAGES.DeploymentAssociatedToMultipleServices, [deployment.key.name, port, names.toSorted()]);
  }
}

function checkTargetPorts({ report }: AnalysisContext, deployment: ObjectOf<"Deployment">, services: Services): void {
  const byTarget = new Map<string, Map<number, string>>();
  for (const service of services) {
    for (const port of service.spec.ports ?? []) {
      const number = port?.port ?? 0;
      const written = String(port?.targetPort ?? "");
      const target = written === "" || written === "0" ? String(number) : written;
      const ports = byTarget.get(target) ?? new Map<number, string>();
      byTarget.set(target, ports.set(number, fullName(service)));
    }
  }
  for (const [target, ports] of byTarget) {
    if (ports.size < 2) continue;
    const names = [...ports.values()].toSorted();
    const numbers = [...ports.keys()].toSorted((a, b) => a - b);
    report(deployment, MESSAGES.DeploymentConflictingPorts, [deployment.key.name, names, target, numbers]);
  }
}
