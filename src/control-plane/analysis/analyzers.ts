// All analyzers.
import { alphaAnnotationsAnalyzer } from "./annotations/alpha.ts";
import { annotationsAnalyzer } from "./annotations/annotations.ts";
import type { Analyzer } from "./analyzer.ts";
import { caCertificateAnalyzer } from "./destination-rule/ca-certificate.ts";
import { subsetSelectPodAnalyzer } from "./destination-rule/subset-select-pod.ts";
import { certificateAnalyzer } from "./gateway/certificate.ts";
import { conflictingGatewayAnalyzer } from "./gateway/conflicting-gateway.ts";
import { ingressGatewayPortAnalyzer } from "./gateway/ingress-gateway-port.ts";
import { secretAnalyzer } from "./gateway/secret.ts";
import { imageAutoAnalyzer } from "./injection/image-auto.ts";
import { imageAnalyzer } from "./injection/image.ts";
import { injectionAnalyzer } from "./injection/injection.ts";
import { conditionAnalyzer } from "./kubernetes/condition.ts";
import { crdVersionAnalyzer } from "./kubernetes/crd-version.ts";
import { deprecationAnalyzer } from "./kubernetes/deprecation.ts";
import { envoyFilterAnalyzer } from "./kubernetes/envoy-filter.ts";
import { externalControlPlaneAnalyzer } from "./kubernetes/external-control-plane.ts";
import { webhookAnalyzer } from "./kubernetes/webhook.ts";
import { authorizationPoliciesAnalyzer } from "./policy/authorization-policy.ts";
import { blockedCidrsAnalyzer } from "./policy/blocked-cidrs.ts";
import { kubernetesGatewaySelectorAnalyzer } from "./policy/kubernetes-gateway-selector.ts";
import {
  telemetryDefaultSelectorAnalyzer,
  telemetryLightstepAnalyzer,
  telemetryProviderAnalyzer,
  telemetrySelectorAnalyzer,
} from "./policy/telemetry.ts";
import { schemaValidationAnalyzers } from "./schema-validation.ts";
import { meshNetworksAnalyzer } from "./service/mesh-networks.ts";
import { multiClusterServiceAnalyzer } from "./service/multi-cluster-service.ts";
import { portNameAnalyzer } from "./service/port-name.ts";
import { serviceEntryAddressesAnalyzer } from "./service/service-entry-addresses.ts";
import { serviceEntryProtocolAnalyzer } from "./service/service-entry-protocol.ts";
import { conflictingMeshGatewayHostsAnalyzer } from "./virtual-service/conflicting-mesh-gateway-hosts.ts";
import { destinationHostAnalyzer } from "./virtual-service/destination-host.ts";
import { destinationRuleAnalyzer } from "./virtual-service/destination-rule.ts";
import { gatewayAnalyzer } from "./virtual-service/gateway.ts";
import { jwtClaimRouteAnalyzer } from "./virtual-service/jwt-claim-route.ts";
import { applicationUidAnalyzer } from "./workload/application-uid.ts";
import { deploymentServicesAnalyzer } from "./workload/deployment-services.ts";
import { sidecarSelectorAnalyzer } from "./workload/sidecar-selector.ts";

export const ALL_ANALYZERS: readonly Analyzer[] = [
  alphaAnnotationsAnalyzer,
  annotationsAnalyzer,
  applicationUidAnalyzer,
  authorizationPoliciesAnalyzer,
  blockedCidrsAnalyzer,
  caCertificateAnalyzer,
  certificateAnalyzer,
  conditionAnalyzer,
  conflictingGatewayAnalyzer,
  conflictingMeshGatewayHostsAnalyzer,
  crdVersionAnalyzer,
  deploymentServicesAnalyzer,
  deprecationAnalyzer,
  destinationHostAnalyzer,
  destinationRuleAnalyzer,
  envoyFilterAnalyzer,
  externalControlPlaneAnalyzer,
  gatewayAnalyzer,
  imageAnalyzer,
  imageAutoAnalyzer,
  ingressGatewayPortAnalyzer,
  injectionAnalyzer,
  jwtClaimRouteAnalyzer,
  kubernetesGatewaySelectorAnalyzer,
  meshNetworksAnalyzer,
  multiClusterServiceAnalyzer,
  portNameAnalyzer,
  secretAnalyzer,
  serviceEntryAddressesAnalyzer,
  serviceEntryProtocolAnalyzer,
  sidecarSelectorAnalyzer,
  subsetSelectPodAnalyzer,
  telemetryDefaultSelectorAnalyzer,
  telemetryLightstepAnalyzer,
  telemetryProviderAnalyzer,
  telemetrySelectorAnalyzer,
  webhookAnalyzer,
  ...schemaValidationAnalyzers,
];

/** What runs when nobody chooses. */
export const DEFAULT_ANALYZERS: readonly Analyzer[] = ALL_ANALYZERS.filter(({ inAll }) => inAll !== false);
