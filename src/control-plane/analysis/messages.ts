// What analysis can say: one row a message, under Istio's name, code and level, with Istio's arguments and our own words.
// A few belong to precheck/, and LocalhostListener and UnknownUpgradeCompatibility to nobody: Istio keeps the messages and gives them no more.
import type { FindingLevel } from "#api/finding";

export interface MessageType<Arguments extends readonly unknown[]> {
  readonly code: string;
  readonly level: FindingLevel;
  readonly text: (...values: Arguments) => string;
}

function message<Arguments extends readonly unknown[]>(
  code: string,
  level: FindingLevel,
  text: (...values: Arguments) => string,
): MessageType<Arguments> {
  return { code, level, text };
}

const quoted = (value: string): string => JSON.stringify(value);
const listed = (values: readonly (string | number)[]): string => values.join(", ");

export const MESSAGES = {
  InternalError: message("IST0001", "error", (detail: string) => `internal error: ${detail}`),
  Deprecated: message("IST0002", "warning", (detail: string) => `deprecated: ${detail}`),
  ReferencedResourceNotFound: message(
    "IST0101",
    "error",
    (what: string, value: string) => `referenced ${what} not found: ${quoted(value)}`,
  ),
  NamespaceNotInjected: message(
    "IST0102",
    "info",
    (namespace: string) => `the namespace ${namespace} says neither that its pods get sidecars nor that they do not`,
  ),
  PodMissingProxy: message("IST0103", "warning", (pod: string) => `the pod ${pod} has no proxy although its namespace asks for one`),
  SchemaValidationError: message("IST0106", "error", (fault: string) => fault),
  MisplacedAnnotation: message(
    "IST0107",
    "warning",
    (annotation: string, kinds: string) => `the annotation ${annotation} has no effect here: it belongs on ${kinds}`,
  ),
  UnknownAnnotation: message("IST0108", "warning", (annotation: string) => `Istio has no annotation ${annotation}`),
  ConflictingMeshGatewayVirtualServiceHosts: message(
    "IST0109",
    "error",
    (virtualServices: string, host: string) =>
      `the VirtualServices ${virtualServices} define the same host ${host} for the mesh: only one counts`,
  ),
  ConflictingSidecarWorkloadSelectors: message(
    "IST0110",
    "error",
    (sidecars: readonly string[], namespace: string, pod: string) =>
      `the Sidecars ${listed(sidecars)} of namespace ${namespace} all select the pod ${pod}: which one counts is not defined`,
  ),
  MultipleSidecarsWithoutWorkloadSelectors: message(
    "IST0111",
    "error",
    (sidecars: readonly string[], namespace: string) =>
      `the Sidecars ${listed(sidecars)} of namespace ${namespace} all have no workload selector: which one counts is not defined`,
  ),
  VirtualServiceDestinationPortSelectorRequired: message(
    "IST0112",
    "error",
    (host: string, ports: readonly number[]) => `the destination ${quoted(host)} has the ports ${listed(ports)}: it must say which one`,
  ),
  DeploymentAssociatedToMultipleServices: message(
    "IST0116",
    "warning",
    (deployment: string, port: number, services: readonly string[]) =>
      `the services ${listed(services)} give port ${port} of the deployment ${deployment} different protocols`,
  ),
  PortNameIsNotUnderNamingConvention: message(
    "IST0118",
    "info",
    (name: string, port: number, targetPort: string) =>
      `the port name ${quoted(name)} (port ${port}, target port ${targetPort}) names no protocol: it is found out from the first bytes`,
  ),
  NamespaceMultipleInjectionLabels: message(
    "IST0123",
    "warning",
    (labels: readonly string[]) => `the namespace bears ${listed(labels)}, of which only one may stand: what happens is not defined`,
  ),
  InvalidAnnotation: message(
    "IST0125",
    "warning",
    (annotation: string, fault: string) => `the annotation ${annotation} is wrong: ${fault}`,
  ),
  UnknownMeshNetworksServiceRegistry: message(
    "IST0126",
    "error",
    (registry: string, network: string) => `there is no service registry ${registry}, which the network ${network} names`,
  ),
  NoMatchingWorkloadsFound: message("IST0127", "warning", (labels: string) =>
    labels === "" ? "applies to no workload: there is none in its namespace" : `applies to no workload: none bears ${labels}`,
  ),
  NoServerCertificateVerificationDestinationLevel: message(
    "IST0128",
    "warning",
    (rule: string, _namespace: string, mode: string, host: string) =>
      `the DestinationRule ${rule} has TLS mode ${mode} and no caCertificates that say whose certificate ${host} must have`,
  ),
  NoServerCertificateVerificationPortLevel: message(
    "IST0129",
    "warning",
    (rule: string, _namespace: string, mode: string, host: string, port: string) =>
      `the DestinationRule ${rule} has TLS mode ${mode} and no caCertificates that say whose certificate ${host} must have at port ${port}`,
  ),
  VirtualServiceUnreachableRule: message("IST0130", "warning", (fault: string) => fault),
  VirtualServiceIneffectiveMatch: message("IST0131", "info", (fault: string) => fault),
  VirtualServiceHostNotFoundInGateway: message(
    "IST0132",
    "warning",
    (hosts: readonly string[], virtualService: string, gateway: string) =>
      `no server of the gateway ${gateway} has a host of the VirtualService ${virtualService}: ${listed(hosts)}`,
  ),
  SchemaWarning: message("IST0133", "warning", (fault: string) => fault),
  ServiceEntryAddressesRequired: message(
    "IST0134",
    "warning",
    () => "a port without protocol or with TCP needs addresses: only the address says which service a connection means",
  ),
  DeprecatedAnnotation: message(
    "IST0135",
    "info",
    (annotation: string, instead: string) => `the annotation ${quoted(annotation)} is deprecated${instead}`,
  ),
  AlphaAnnotation: message("IST0136", "info", (annotation: string) => `the annotation ${quoted(annotation)} is alpha: it may change or go`),
  DeploymentConflictingPorts: message(
    "IST0137",
    "warning",
    (deployment: string, services: readonly string[], targetPort: string, ports: readonly number[]) =>
      `the services ${listed(services)} reach the target port ${targetPort} of the deployment ${deployment} by different ports: ${listed(ports)}`,
  ),
  GatewayDuplicateCertificate: message(
    "IST0138",
    "warning",
    (gateways: readonly string[]) =>
      `the gateways ${listed(gateways)} share a certificate: browsers that use one connection for several hosts may get 404`,
  ),
  InvalidWebhook: message("IST0139", "error", (fault: string) => fault),
  IngressRouteRulesNotAffected: message(
    "IST0140",
    "warning",
    (owner: string, virtualService: string) =>
      `the subsets of the VirtualService ${owner} have no effect on requests that come through the gateway of ${virtualService}`,
  ),
  InsufficientPermissions: message(
    "IST0141",
    "error",
    (resource: string, fault: string) => `the permission to create ${resource} is missing: ${fault}`,
  ),
  UnsupportedKubernetesVersion: message(
    "IST0142",
    "error",
    (version: string, minimum: string) => `Kubernetes ${version} is too old: ${minimum} is needed`,
  ),
  LocalhostListener: message(
    "IST0143",
    "error",
    (port: string) => `a Service has port ${port}, at which the application listens on localhost only: others cannot reach it`,
  ),
  InvalidApplicationUID: message(
    "IST0144",
    "warning",
    () => "the user id 1337 belongs to the sidecar: an application that runs with it is not captured",
  ),
  ConflictingGateways: message(
    "IST0145",
    "error",
    (gateways: string, selector: string, port: string, hosts: string) =>
      `the gateways ${gateways} have the same selector (${selector}), port ${port} and hosts (${hosts})`,
  ),
  ImageAutoWithoutInjectionWarning: message(
    "IST0146",
    "warning",
    (kind: string, name: string) => `${kind} ${name} has a container with image auto, which no injection webhook selects`,
  ),
  ImageAutoWithoutInjectionError: message(
    "IST0147",
    "error",
    (kind: string, name: string) => `${kind} ${name} has a container with image auto: injection did not fill it in`,
  ),
  NamespaceInjectionEnabledByDefault: message(
    "IST0148",
    "info",
    () => "pods get sidecars although no label asks for them: the installation says so",
  ),
  JwtClaimBasedRoutingWithoutRequestAuthN: message(
    "IST0149",
    "error",
    (key: string, gateway: string, pod: string) =>
      `routes by the claim ${key}, and no RequestAuthentication applies to the pod ${pod} of the gateway ${gateway}: no claim is ever known there`,
  ),
  ExternalNameServiceTypeInvalidPortName: message(
    "IST0150",
    "warning",
    () => "a port of an ExternalName service that is TCP, or names no protocol, may take traffic of other hosts",
  ),
  EnvoyFilterUsesRelativeOperation: message(
    "IST0151",
    "warning",
    () => "patches relative to something that another patch may make, and has no priority: it may be applied too early and so not at all",
  ),
  EnvoyFilterUsesReplaceOperationIncorrectly: message("IST0152", "error", () => "REPLACE works for HTTP_FILTER and NETWORK_FILTER only"),
  EnvoyFilterUsesAddOperationIncorrectly: message("IST0153", "error", () => "ADD has no effect on ROUTE_CONFIGURATION and HTTP_ROUTE"),
  EnvoyFilterUsesRemoveOperationIncorrectly: message(
    "IST0154",
    "error",
    () => "REMOVE has no effect on ROUTE_CONFIGURATION and HTTP_ROUTE",
  ),
  EnvoyFilterUsesRelativeOperationWithProxyVersion: message(
    "IST0155",
    "warning",
    () => "patches relative to what a patch for one proxy version makes, and has no priority: after an upgrade it may not be applied",
  ),
  UnsupportedGatewayAPIVersion: message(
    "IST0156",
    "error",
    (version: string, minimum: string) => `the Gateway API CRDs ${version} are too old: ${minimum} is needed`,
  ),
  InvalidTelemetryProvider: message(
    "IST0157",
    "warning",
    (name: string, namespace: string) =>
      `the Telemetry ${name} of namespace ${namespace} names no provider, and the mesh has no default: no effect`,
  ),
  PodsIstioProxyImageMismatchInNamespace: message(
    "IST0158",
    "warning",
    (pods: readonly string[]) => `the proxies of the pods ${listed(pods)} run another image than injection gives now`,
  ),
  ConflictingTelemetryWorkloadSelectors: message(
    "IST0159",
    "error",
    (telemetries: readonly string[], namespace: string, pod: string) =>
      `the Telemetries ${listed(telemetries)} of namespace ${namespace} all select the pod ${pod}: which one counts is not defined`,
  ),
  MultipleTelemetriesWithoutWorkloadSelectors: message(
    "IST0160",
    "error",
    (telemetries: readonly string[], namespace: string) =>
      `the Telemetries ${listed(telemetries)} of namespace ${namespace} all have no workload selector: which one counts is not defined`,
  ),
  InvalidGatewayCredential: message(
    "IST0161",
    "error",
    (gateway: string, namespace: string) =>
      `the credential of the gateway ${gateway}, in namespace ${namespace}, is no valid certificate with its key`,
  ),
  GatewayPortNotDefinedOnService: message(
    "IST0162",
    "warning",
    (port: number, selector: string) => `no Service of the pods that bear ${selector} leads to port ${port}`,
  ),
  InvalidExternalControlPlaneConfig: message(
    "IST0163",
    "warning",
    (url: string, webhook: string, fault: string) => `the address ${quoted(url)} of the webhook ${webhook} ${fault}`,
  ),
  ExternalControlPlaneAddressIsNotAHostname: message(
    "IST0164",
    "info",
    (url: string, webhook: string) => `the address ${url} of the webhook ${webhook} is an IP address, which may change`,
  ),
  ReferencedInternalGateway: message(
    "IST0165",
    "warning",
    (virtualService: string, gateway: string) =>
      `the VirtualService ${virtualService} names ${gateway}, which is made from a Gateway API gateway`,
  ),
  IneffectiveSelector: message(
    "IST0166",
    "warning",
    (gateway: string) => `the selector has no effect on the Kubernetes gateway ${gateway}`,
  ),
  IneffectivePolicy: message("IST0167", "warning", (reason: string) => `has no effect: ${reason}`),
  UnknownUpgradeCompatibility: message(
    "IST0168",
    "warning",
    (field: string, release: string, detail: string, version: string) =>
      `${quoted(field)} changed in release ${release}, and nobody can tell whether that matters here: ${detail}; compatibilityVersion=${version} keeps the old way`,
  ),
  UpdateIncompatibility: message(
    "IST0169",
    "warning",
    (field: string, release: string, detail: string, version: string) =>
      `${quoted(field)} changed in release ${release}: ${detail}; compatibilityVersion=${version} keeps the old way`,
  ),
  MultiClusterInconsistentService: message(
    "IST0170",
    "warning",
    (service: string, namespace: string, clusters: readonly string[], fault: string) =>
      `the service ${service} of namespace ${namespace} differs between the clusters ${listed(clusters)}: ${fault}`,
  ),
  NegativeConditionStatus: message(
    "IST0171",
    "warning",
    (type: string, reason: string, detail: string) => `the status says ${type} is not so: ${reason}, ${detail}`,
  ),
  FutureUnsupportedGatewayAPIVersion: message(
    "IST0172",
    "warning",
    (version: string, minimum: string) => `the Gateway API CRDs ${version} will soon be too old: ${minimum} will be needed`,
  ),
  DestinationRuleSubsetNotSelectPods: message(
    "IST0173",
    "error",
    (subset: string) => `the subset ${subset} selects no workload: requests for it are answered with 503 UH`,
  ),
  UnknownDestinationRuleHost: message("IST0174", "warning", (host: string) => `the host ${host} is no service of the mesh`),
  JwksUriFetchUnrestricted: message(
    "IST0175",
    "warning",
    (count: number, names: string) =>
      `istiod may fetch keys from any address for ${count} RequestAuthentications (${names}): BLOCKED_CIDRS_IN_JWKS_URIS is not set`,
  ),
  GatewayAPICRDVersionBelowMinimum: message(
    "IST0176",
    "warning",
    (crd: string, installed: string, minimum: string) =>
      `the CRD ${crd} has version ${installed}, ${minimum} is needed: its resources are passed over`,
  ),
  ConflictingServiceEntryProtocol: message(
    "IST0177",
    "warning",
    (serviceEntries: string, host: string, port: number, protocols: string) =>
      `the ServiceEntries ${serviceEntries} give the host ${host} at port ${port} different protocols: ${protocols}`,
  ),
} as const;
