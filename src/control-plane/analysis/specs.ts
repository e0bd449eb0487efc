// What analyzers read of each kind. Objects that validation refuses are analyzed as well, so every field may be missing.
import type { AuthorizationPolicySpec } from "#api/authorization-policy";
import type { EnvoyFilterSpec } from "#api/envoy-filter";
import type { KubernetesGatewaySpec } from "#api/gateway-api/gateway";
import type { CustomResourceDefinitionSpec } from "#api/kubernetes/api-extension";
import type { ConfigMapSpec } from "#api/kubernetes/core";
import type { PodSpec } from "#api/kubernetes/pod";
import type { DeploymentSpec } from "#api/kubernetes/workload";
import type { MeshNetworksSpec } from "#api/mesh-networks";
import type { PeerAuthenticationSpec } from "#api/peer-authentication";
import type { ProxyConfigObjectSpec } from "#api/proxy-config";
import type { RequestAuthenticationSpec } from "#api/request-authentication";
import type { ServiceEntrySpec } from "#api/service-entry";
import type { SidecarSpec } from "#api/sidecar";
import type { TelemetrySpec } from "#api/telemetry";
import type { TrafficExtensionSpec } from "#api/traffic-extension";
import type { WasmPluginSpec } from "#api/wasm-plugin";
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { GatewaySpec } from "#api/gateway";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ServiceSpec } from "#api/service";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { WorkloadEntrySpec } from "#api/workload-entry";
import type { WorkloadGroupSpec } from "#api/workload-group";
import type { Labels } from "#control-plane/registry/labels";

/** As it was written: nothing is certain to be there, an item that could not be decoded neither. */
export type Written<T> = T extends readonly (infer Item)[]
  ? readonly (Written<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Written<T[Key]> | undefined }
    : T;

export interface LabelSelector {
  readonly matchLabels: Record<string, string>;
  readonly matchExpressions: readonly { readonly key: string; readonly operator: string; readonly values: readonly string[] }[];
}

export interface WebhookConfiguration {
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly url: string; readonly service: { readonly namespace: string; readonly name: string } };
    readonly namespaceSelector: LabelSelector;
    readonly objectSelector: LabelSelector;
  }[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The part of a status that analysis reads, of all kinds that have one. */
export interface Status {
  readonly conditions: readonly Condition[];
  readonly parents: readonly { readonly conditions: readonly Condition[] }[];
  readonly addresses: readonly unknown[];
}

export interface SpecOf {
  VirtualService: VirtualServiceSpec;
  DestinationRule: DestinationRuleSpec;
  Gateway: GatewaySpec;
  ServiceEntry: ServiceEntrySpec;
  WorkloadEntry: WorkloadEntrySpec;
  WorkloadGroup: WorkloadGroupSpec;
  Sidecar: SidecarSpec;
  EnvoyFilter: EnvoyFilterSpec;
  ProxyConfig: ProxyConfigObjectSpec;
  AuthorizationPolicy: AuthorizationPolicySpec;
  RequestAuthentication: RequestAuthenticationSpec;
  Telemetry: TelemetrySpec;
  WasmPlugin: WasmPluginSpec;
  KubernetesGateway: KubernetesGatewaySpec;
  HTTPRoute: object;
  GRPCRoute: object;
  Namespace: object;
  Node: object;
  Pod: PodSpec;
  Deployment: DeploymentSpec;
  Service: ServiceSpec;
  Secret: { readonly data: Record<string, string>; readonly stringData: Record<string, string> };
  ConfigMap: ConfigMapSpec;
  MutatingWebhookConfiguration: WebhookConfiguration;
  ValidatingWebhookConfiguration: WebhookConfiguration;
  CustomResourceDefinition: CustomResourceDefinitionSpec;
  MeshNetworks: MeshNetworksSpec;
  MeshConfig: MeshConfigSpec;
  PeerAuthentication: PeerAuthenticationSpec;
  TrafficExtension: TrafficExtensionSpec;
}

export type AnalyzedKind = keyof SpecOf;

/** A selector as it was written; whatever is no text selects nothing. */
export function labelsOf(written: Written<Record<string, string>> | undefined): Labels {
  return (written ?? {}) as Labels;
}
