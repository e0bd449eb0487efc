// Port names that tell no protocol: connections there wait for their first bytes to be looked at.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { isControlPlane } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectProtocol } from "#control-plane/registry/protocol";

const MANAGED_LABEL = "gateway.istio.io/managed";
const GATEWAY_CONTROLLERS = new Set(["istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"]);

export const portNameAnalyzer: Analyzer = {
  name: "service.PortNameAnalyzer",
  description: "Port names of Services tell the protocol",
  inputs: ["Service"],
  analyze: ({ objects, report }) => {
    for (const service of objects.list("Service")) {
      if (isControlPlane(service) || GATEWAY_CONTROLLERS.has(service.labels[MANAGED_LABEL] ?? "")) continue;
      const isExternal = service.spec.type === "ExternalName";
      for (const [index, port] of (service.spec.ports ?? []).entries()) {
        const { name = "", port: number = 0, targetPort, appProtocol, protocol } = port ?? {};
        const isUnknown = selectProtocol({ port: number, name, appProtocol, transport: protocol }) === "AUTO";
        if (!isUnknown && !(isExternal && name === "tcp")) continue;
        const where = { field: `spec.ports[${index}].port`, hint: "name it like http or http-web, or set appProtocol" };
        if (isExternal) report(service, MESSAGES.ExternalNameServiceTypeInvalidPortName, [], where);
        else report(service, MESSAGES.PortNameIsNotUnderNamingConvention, [name, number, String(targetPort ?? 0)], where);
      }
    }
  },
};
