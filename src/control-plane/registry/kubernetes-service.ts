// A Kubernetes Service as a service of the mesh.
import type { Finding } from "#api/finding";
import { keyOf, type ApiObject } from "#api/object";
import type { ServiceSpec } from "#api/service";
import { selectProtocol } from "./protocol.ts";
import type { Service, ServicePort } from "./service.ts";

const EXPORT_TO_ANNOTATION = "networking.istio.io/exportTo";

function serviceHostname(name: string, namespace: string, domain: string): string {
  return `${name}.${namespace}.svc.${domain}`;
}

export function fromKubernetesService(object: ApiObject<ServiceSpec>, domain: string, findings: Finding[]): Service {
  const { metadata, spec } = object;
  const exportTo = (metadata.annotations[EXPORT_TO_ANNOTATION] ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const ports = (spec.ports ?? []).map((port): ServicePort => ({
    name: port.name ?? "",
    number: port.port,
    protocol: selectProtocol({ port: port.port, name: port.name ?? "", appProtocol: port.appProtocol, transport: port.protocol }),
    targetPort: port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "" ? port.port : port.targetPort,
  }));
  const external = spec.type === "ExternalName";
  if (external) {
    findings.push({
      level: "info",
      code: "MZ0004",
      message: `a service of type ExternalName is accepted and has no endpoints yet: calls to it are answered with 503`,
      object: keyOf(object),
      field: "spec.type",
    });
  }
  const addresses = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const selector = external || Object.keys(spec.selector ?? {}).length === 0 ? undefined : spec.selector;
  return {
    hostname: serviceHostname(metadata.name, metadata.namespace, domain),
    name: metadata.name,
    namespace: metadata.namespace,
    ports,
    addresses: addresses.filter((address) => address !== "" && address !== "None"),
    selector,
    labels: metadata.labels,
    creationTimestamp: metadata.creationTimestamp,
    exportTo,
    source: "Service",
    external,
  };
}
