// What analyzers read of each kind. Objects that validation refuses are analyzed as well, so every field may be missing.
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

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: { readonly runAsUser: number };
}

export interface PodSpec {
  readonly nodeName: string;
  readonly hostNetwork: boolean;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly securityContext: { readonly runAsUser: number };
}

export interface PodTemplateSpec {
  readonly template: {
    readonly metadata: { readonly labels: Record<string, string>; readonly annotations: Record<string, string> };
    readonly spec: PodSpec;
  };
}

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

export interface ServiceEntrySpec {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly number: number; readonly name: string; readonly protocol: string }[];
  readonly exportTo: readonly string[];
  readonly workloadSelector: { readonly labels: Record<string, string> };
}

interface SelectorPolicy {
  readonly selector: { readonly matchLabels: Record<string, string> };
  readonly targetRef: object;
}

export interface AuthorizationPolicySpec extends SelectorPolicy {
  readonly rules: readonly {
    readonly from: readonly { readonly source: { readonly namespaces: readonly string[]; readonly notNamespaces: readonly string[] } }[];
  }[];
}

export interface TelemetrySpec extends SelectorPolicy {
  readonly tracing: readonly { readonly providers: readonly { readonly name: string }[] }[];
  readonly accessLogging: readonly { readonly disabled: boolean; readonly providers: readonly { readonly name: string }[] }[];
}

export interface EnvoyFilterSpec {
  readonly priority: number;
  readonly configPatches: readonly {
    readonly applyTo: string;
    readonly match: {
      readonly proxy: { readonly proxyVersion: string };
      readonly listener: { readonly filterChain: { readonly filter: { readonly name: string } } };
    };
    readonly patch: { readonly operation: string; readonly value: Record<string, unknown> };
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

export interface MeshNetworksSpec {
  readonly networks: Readonly<
    Record<string, { readonly endpoints: readonly { readonly fromRegistry: string; readonly fromCidr: string }[] }>
  >;
}

export interface SpecOf {
  VirtualService: VirtualServiceSpec;
  DestinationRule: DestinationRuleSpec;
  Gateway: GatewaySpec;
  ServiceEntry: ServiceEntrySpec;
  WorkloadEntry: WorkloadEntrySpec;
  WorkloadGroup: WorkloadGroupSpec;
  Sidecar: {
    readonly workloadSelector: { readonly labels: Record<string, string> };
    readonly outboundTrafficPolicy: { readonly egressProxy: object };
  };
  EnvoyFilter: EnvoyFilterSpec;
  ProxyConfig: SelectorPolicy & { readonly image: { readonly imageType: string } };
  AuthorizationPolicy: AuthorizationPolicySpec;
  RequestAuthentication: SelectorPolicy;
  Telemetry: TelemetrySpec;
  WasmPlugin: SelectorPolicy;
  KubernetesGateway: { readonly listeners: readonly { readonly hostname: string }[] };
  HTTPRoute: object;
  GRPCRoute: object;
  Namespace: object;
  Node: object;
  Pod: PodSpec;
  Deployment: PodTemplateSpec;
  Service: ServiceSpec;
  Secret: { readonly data: Record<string, string>; readonly stringData: Record<string, string> };
  ConfigMap: { readonly data: Record<string, string> };
  MutatingWebhookConfiguration: WebhookConfiguration;
  ValidatingWebhookConfiguration: WebhookConfiguration;
  CustomResourceDefinition: { readonly group: string; readonly names: { readonly kind: string } };
  MeshNetworks: MeshNetworksSpec;
  MeshConfig: MeshConfigSpec;
  PeerAuthentication: SelectorPolicy;
  TrafficExtension: SelectorPolicy;
}

export type AnalyzedKind = keyof SpecOf;

/** A selector as it was written; whatever is no text selects nothing. */
export function labelsOf(written: Written<Record<string, string>> | undefined): Labels {
  return (written ?? {}) as Labels;
}
