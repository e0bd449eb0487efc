// Istio's kinds that are decoded and checked, and have no effect yet. A kind that gets one moves to kinds.ts.
import { authorizationPolicy } from "./authorization-policy.ts";
import type { Type } from "./declaration.ts";
import { decoded, type DecodedKind } from "./decoded-kind.ts";
import { envoyFilter } from "./envoy-filter.ts";
import { validateEnvoyFilter } from "./envoy-filter/validate.ts";
import { validateTrafficExtension, validateWasmPlugin } from "./extensions/validate.ts";
import { meshNetworks } from "./mesh-networks.ts";
import { validateMeshNetworks } from "./mesh-networks/validate.ts";
import { peerAuthentication } from "./peer-authentication.ts";
import { proxyConfigObject, type ProxyConfigObjectSpec } from "./proxy-config.ts";
import { requestAuthentication } from "./request-authentication.ts";
import { validateAuthorizationPolicy } from "./security/validate-authorization-policy.ts";
import { validatePeerAuthentication } from "./security/validate-peer-authentication.ts";
import { validateRequestAuthentication } from "./security/validate-request-authentication.ts";
import { telemetry } from "./telemetry.ts";
import { validateTelemetry } from "./telemetry/validate.ts";
import { trafficExtension } from "./traffic-extension.ts";
import { checkWorkloadSelector } from "./validation/selector-rules.ts";
import type { Check } from "./validation/violations.ts";
import { wasmPlugin } from "./wasm-plugin.ts";

const security = ["security.istio.io/v1", "security.istio.io/v1beta1"];

function inert<Spec>(
  kind: string,
  apiVersions: readonly string[],
  type: Type<Spec>,
  validate: (spec: Spec, check: Check) => void,
): DecodedKind {
  return decoded(kind, apiVersions, type, validate, { effect: "none" });
}

function validateProxyConfig(spec: ProxyConfigObjectSpec, check: Check): void {
  checkWorkloadSelector(spec.selector, check.at("selector"));
}

export const istioKinds: readonly DecodedKind[] = [
  inert("EnvoyFilter", ["networking.istio.io/v1alpha3"], envoyFilter, validateEnvoyFilter),
  inert("ProxyConfig", ["networking.istio.io/v1beta1"], proxyConfigObject, validateProxyConfig),
  inert("AuthorizationPolicy", security, authorizationPolicy, validateAuthorizationPolicy),
  inert("PeerAuthentication", security, peerAuthentication, validatePeerAuthentication),
  inert("RequestAuthentication", security, requestAuthentication, validateRequestAuthentication),
  inert("Telemetry", ["telemetry.istio.io/v1", "telemetry.istio.io/v1alpha1"], telemetry, validateTelemetry),
  inert("WasmPlugin", ["extensions.istio.io/v1alpha1"], wasmPlugin, validateWasmPlugin),
  inert("TrafficExtension", ["extensions.istio.io/v1alpha1"], trafficExtension, validateTrafficExtension),
  inert("MeshNetworks", ["mesh.istio.io/v1alpha1"], meshNetworks, validateMeshNetworks),
];
