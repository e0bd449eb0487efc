// A Kubernetes Service as a service of the mesh.
import { keyOf, type ApiObject } from "#api/object";
import type { ServiceSpec } from "#api/service";
import { selectProtocol } from "./protocol.ts";
import type { Service, ServicePort } from "./service.ts";

const EXPORT_TO_ANNOTATION = "networking.istio.io/exportTo";
export const TRAFFIC_DISTRIBUTION_ANNOTATION = "networking.istio.io/traffic-distribution";
const SERVICE_ACCOUNTS_ANNOTATION = "alpha.istio.io/kubernetes-serviceaccounts";

function serviceHostname(name: string, namespace: string, domain: string): string {
  return `${name}.${namespace}.svc.${domain}`;
}

/** `namespaceAnnotations`: those of the namespace that it stands in. */
export function fromKubernetesService(
  object: ApiObject<ServiceSpec>,
  domain: string,
  namespaceAnnotations: Readonly<Record<string, string>>,
): Service {
  const { metadata, spec } = object;
  const exportTo = listOf(metadata.annotations[EXPORT_TO_ANNOTATION]);
  const ports = (spec.ports ?? []).map((port): ServicePort => ({
    name: port.name ?? "",
    number: port.port,
    protocol: selectProtocol({ port: port.port, name: port.name ?? "", appProtocol: port.appProtocol, transport: port.protocol }),
    targetPort: port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "" ? port.port : port.targetPort,
  }));
  // An ExternalName Service is a name for another host: no address, no endpoints of its own.
  const alias = spec.type === "ExternalName" ? spec.externalName : undefined;
  const written = (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter((address) => address !== "");
  const headless = spec.type !== "ExternalName" && written.includes("None");
  return {
    hostname: serviceHostname(metadata.name, metadata.namespace, domain),
    name: metadata.name,
    namespace: metadata.namespace,
    ports,
    addresses: spec.type === "ExternalName" ? [] : written.filter((address) => address !== "None"),
    autoAllocatedAddresses: [],
    resolution: alias !== undefined ? "ALIAS" : headless ? "NONE" : "EDS",
    alias,
    headless,
    selector: alias !== undefined || Object.keys(spec.selector ?? {}).length === 0 ? undefined : spec.selector,
    labels: metadata.labels,
    creationTimestamp: metadata.creationTimestamp,
    exportTo,
    source: "Service",
    object: keyOf(object),
    aliases: [],
    external: false,
    trafficDistribution:
      spec.trafficDistribution ??
      metadata.annotations[TRAFFIC_DISTRIBUTION_ANNOTATION] ??
      namespaceAnnotations[TRAFFIC_DISTRIBUTION_ANNOTATION],
    nodeLocal: spec.internalTrafficPolicy === "Local",
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    subjectAltNames: [],
    serviceAccounts: listOf(metadata.annotations[SERVICE_ACCOUNTS_ANNOTATION]),
  };
}

/** `a, b` */
function listOf(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
