// The kinds of the Gateway API, with the versions that its CRDs serve.
import { decoded, type DecodedKind } from "#api/decoded-kind";
import { kubernetesGatewayKind } from "#api/finding";
import { backendTlsPolicy, xBackend, xBackendTrafficPolicy } from "./backend-policy.ts";
import { tcpRoute, tcpRouteAlpha, tlsRoute, tlsRouteAlpha, udpRoute, udpRouteAlpha } from "./connection-route.ts";
import { gatewayClass, xMesh } from "./gateway-class.ts";
import { kubernetesGateway, listenerSet, xListenerSet } from "./gateway.ts";
import { grpcRoute } from "./grpc-route.ts";
import { httpRoute } from "./http-route.ts";
import { referenceGrant } from "./reference-grant.ts";
import { validateBackendTlsPolicy, validateXBackend, validateXBackendTrafficPolicy } from "./validate-backend-policy.ts";
import { checkListeners, validateGatewayClass, validateKubernetesGateway, validateListenerSet } from "./validate-gateway.ts";
import { validateHttpRoute } from "./validate-http-route.ts";
import { validateConnectionRoute, validateGrpcRoute, validateReferenceGrant, validateTlsRoute } from "./validate-routes.ts";

function versions(...names: readonly string[]): readonly string[] {
  return names.map((name) => `gateway.networking.k8s.io/${name}`);
}

const experimental = ["gateway.networking.x-k8s.io/v1alpha1"];
const noEffect = { effect: "none" } as const;

export const gatewayApiKinds: readonly DecodedKind[] = [
  decoded("GatewayClass", versions("v1", "v1beta1"), gatewayClass, validateGatewayClass, noEffect),
  decoded(kubernetesGatewayKind, versions("v1", "v1beta1"), kubernetesGateway, validateKubernetesGateway, {
    ...noEffect,
    writtenAs: "Gateway",
  }),
  decoded("ListenerSet", versions("v1"), listenerSet, validateListenerSet, noEffect),
  decoded("HTTPRoute", versions("v1", "v1beta1"), httpRoute, validateHttpRoute, noEffect),
  decoded("GRPCRoute", versions("v1"), grpcRoute, validateGrpcRoute, noEffect),
  decoded("TLSRoute", versions("v1", "v1alpha3"), tlsRoute, validateTlsRoute, noEffect),
  decoded("TLSRoute", versions("v1alpha2"), tlsRouteAlpha, validateTlsRoute, noEffect),
  decoded("TCPRoute", versions("v1"), tcpRoute, validateConnectionRoute, noEffect),
  decoded("TCPRoute", versions("v1alpha2"), tcpRouteAlpha, validateConnectionRoute, noEffect),
  decoded("UDPRoute", versions("v1"), udpRoute, validateConnectionRoute, noEffect),
  decoded("UDPRoute", versions("v1alpha2"), udpRouteAlpha, validateConnectionRoute, noEffect),
  decoded("ReferenceGrant", versions("v1", "v1beta1"), referenceGrant, validateReferenceGrant, noEffect),
  decoded("BackendTLSPolicy", versions("v1", "v1alpha3"), backendTlsPolicy, validateBackendTlsPolicy, noEffect),
  decoded("XListenerSet", experimental, xListenerSet, (spec, check) => checkListeners(spec.listeners, check.at("listeners")), noEffect),
  decoded("XBackendTrafficPolicy", experimental, xBackendTrafficPolicy, validateXBackendTrafficPolicy, noEffect),
  decoded("XMesh", experimental, xMesh, validateGatewayClass, noEffect),
  decoded("XBackend", experimental, xBackend, validateXBackend, noEffect),
];
