// The immutable snapshot that everything is generated from, and one proxy's view of it. The lookups here (host, DestinationRule,
// selector, visibility) serve generation and analysis alike: extend them, never copy them.
import type { ConnectionPoolSettings, DestinationRuleSpec } from "#api/destination-rule";
import type { GatewaySpec, ServerTLSSettings } from "#api/gateway";
import type { ConfigMapSpec, SecretSpec } from "#api/kubernetes/core";
import type { MeshConfigSpec, ProxyConfig } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { SidecarSpec } from "#api/sidecar";
import type { Destination, VirtualServiceSpec } from "#api/virtual-service";
import type { Labels } from "#control-plane/registry/labels";
import type { Protocol, Service, ServiceEndpoint, ServicePort } from "#control-plane/registry/service";
import type { AnnouncedIngress, InterceptionMode, ProxyNode } from "./proxy.ts";

/** A VirtualService with its short names resolved in its namespace: hosts and every destination host are full names. */
export interface ResolvedVirtualService {
  readonly object: ApiObject<VirtualServiceSpec>;
  readonly hosts: readonly string[];
  /** `mesh` or `namespace/name` of Gateways. */
  readonly gateways: readonly string[];
  readonly spec: VirtualServiceSpec;
}

/** All DestinationRules of one host that one proxy sees, merged: subsets of the later ones are added, the first wins conflicts. */
export interface ResolvedDestinationRule {
  readonly objects: readonly ApiObject<DestinationRuleSpec>[];
  readonly host: string;
  readonly spec: DestinationRuleSpec;
}

/** One server of a Gateway that selects the proxy, at the port where it listens (Service port translated to target port). */
export interface GatewayServer {
  readonly gateway: ApiObject<GatewaySpec>;
  readonly serverIndex: number;
  /** As written in the Gateway. */
  readonly portNumber: number;
  readonly protocol: string;
  /** Where the proxy listens: the target port of the Service port that selects the gateway's workload, else portNumber. */
  readonly targetPort: number;
  readonly bind: string;
  /** `host`, or `namespace/host` for VirtualServices of that namespace alone. */
  readonly hosts: readonly string[];
  /** The route configuration of its requests; "" when it does not read HTTP. Servers of one name share it. */
  readonly routeName: string;
  readonly httpsRedirect: boolean;
  readonly tlsMode: string | undefined;
  /** As written. */
  readonly tls: ServerTLSSettings | undefined;
}

/** How traffic gets to a listener: as the proxy's interception mode says, by capture, or by a socket of the listener's own. */
export type CaptureMode = "DEFAULT" | "IPTABLES" | "NONE";

/** What a sidecar's application can reach through one listener, or through all of them when it has no port. */
export interface EgressListener {
  /** Where it listens. Undefined: at the ports of its services. */
  readonly port: { readonly number: number; readonly protocol: Protocol; readonly name: string } | undefined;
  /** The address where it listens, or `unix:///path`; "" where nobody wrote one. */
  readonly bind: string;
  readonly captureMode: CaptureMode;
  /** By hostname in order; a service whose ports were narrowed to the listener's is an object of its own. */
  readonly services: readonly Service[];
  /** In the order in which they count. */
  readonly virtualServices: readonly ResolvedVirtualService[];
}

export type MutualTlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

export interface OutboundTrafficPolicy {
  readonly mode: "REGISTRY_ONLY" | "ALLOW_ANY" | "ALLOW_ANY_DYNAMIC_DNS";
  /** Where calls of unknown hosts go instead of where they were going. */
  readonly egressProxy: Destination | undefined;
}

/** An inbound port of a sidecar. */
export interface InboundPort {
  /** The one that decides about protocol and names. */
  readonly service: Service | undefined;
  /** All services that lead to the port, the deciding one first. */
  readonly services: readonly Service[];
  readonly port: ServicePort;
  readonly bind: string;
  readonly targetPort: number;
  /** Where the application listens, `unix:///path` (port 0) included; undefined: the address the connection came to. */
  readonly defaultEndpoint: { readonly address: string; readonly port: number } | undefined;
  /** True when the listener has a socket of its own (no traffic capture). */
  readonly bindToPort: boolean;
  /** TLS that a Sidecar's ingress ends at this port; it counts only where mutual TLS is off. */
  readonly tls: ServerTLSSettings | undefined;
  /** Limits of connections to the application at this port, from a Sidecar's ingress. */
  readonly connectionPool: ConnectionPoolSettings | undefined;
  /** The Sidecar whose ingress it is. */
  readonly sidecar?: ApiObject<SidecarSpec> | undefined;
}

export interface MeshChange {
  /** Anything that shows elsewhere than in the endpoints that proxies are told. */
  readonly configuration: boolean;
  /** Hostnames of services whose endpoints changed; undefined: any may have. */
  readonly endpoints: ReadonlySet<string> | undefined;
}

export interface Mesh {
  /** Changes with every new snapshot. */
  readonly version: string;
  readonly config: MeshConfigSpec;
  readonly services: readonly Service[];
  service(hostname: string, fromNamespace?: string): Service | undefined;
  /**
   * Every endpoint of a service port, healthy or not, in a stable order. Several namespaces may define one host: `namespace` is that of the
   * service; without it the first that has endpoints answers.
   */
  endpoints(hostname: string, port: number, namespace?: string): readonly ServiceEndpoint[];
  view(proxy: ProxyNode): ProxyView;
  /** The same object as long as nothing changes that clusters and endpoints are made of, for anybody: an edit of routes leaves it. */
  readonly destinations: object;
  /** The same list as long as none of them changes: all that mutualTlsMode depends on. */
  readonly peerAuthentications: readonly ApiObject[];
  /** What differs from an earlier snapshot; Secrets are apart. */
  changedSince(earlier: Mesh): MeshChange;
  /** What a port of a workload asks of its callers; without labels what its namespace asks. DISABLE wherever the mesh cannot issue certificates. */
  mutualTlsMode(namespace: string, labels: Labels, workloadPort: number): MutualTlsMode;
  /** True when the mesh can issue workload certificates. Without it ISTIO_MUTUAL cannot work and must never become plaintext. */
  readonly hasCertificateAuthority: boolean;
}

export interface ProxyView {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  /** What the proxy may see, through any of its egress listeners: one service a hostname, in order. */
  readonly services: readonly Service[];
  service(hostname: string): Service | undefined;
  /** VirtualServices bound to `mesh`, those of exact hosts before wildcards, else oldest first. */
  readonly meshVirtualServices: readonly ResolvedVirtualService[];
  /** VirtualServices bound to the Gateway `namespace/name`, oldest first. */
  gatewayVirtualServices(gateway: string): readonly ResolvedVirtualService[];
  destinationRule(hostname: string): ResolvedDestinationRule | undefined;
  /** For routers: the servers of all Gateways that select it, oldest Gateway first. */
  readonly gatewayServers: readonly GatewayServer[];
  /** For sidecars. */
  readonly inboundPorts: readonly InboundPort[];
  readonly announcedIngress: readonly AnnouncedIngress[];
  /** From the Sidecar that applies; without one a single listener with everything that is visible. */
  readonly egressListeners: readonly EgressListener[];
  /** What a port of the workload asks of its callers. DISABLE wherever the mesh cannot issue certificates. */
  mutualTlsMode(workloadPort: number): MutualTlsMode;
  /** Ports of the workload for which a mode of their own is written, in order. */
  readonly mutualTlsPorts: readonly number[];
  readonly outboundTrafficPolicy: OutboundTrafficPolicy;
  /** Limits of connections to the application at all ports, from the Sidecar that applies. */
  readonly inboundConnectionPool: ConnectionPoolSettings | undefined;
  readonly interceptionMode: InterceptionMode;
  /** MeshConfig's defaultConfig, ProxyConfig objects of the root namespace, the namespace and the workload, the pod's annotation. */
  readonly proxyConfig: ProxyConfig;
  /** `region/zone/sub-zone`: what the proxy says, else what is known of its workload; "" when nothing is. */
  readonly locality: string;
  /** A Secret that this proxy may have: one of its own namespace. */
  secret(namespace: string, name: string): ApiObject<SecretSpec> | undefined;
  /** Of any namespace: it holds nothing secret. */
  configMap(namespace: string, name: string): ApiObject<ConfigMapSpec> | undefined;
}
