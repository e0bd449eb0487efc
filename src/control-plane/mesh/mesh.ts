// The immutable snapshot that everything is generated from, and one proxy's view of it. The lookups here (host, DestinationRule,
// selector, visibility) serve generation and analysis alike: extend them, never copy them.
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { GatewaySpec } from "#api/gateway";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { Service, ServiceEndpoint, ServicePort } from "#control-plane/registry/service";
import type { AnnouncedIngress, ProxyNode } from "./proxy.ts";

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
  /** `host` or `namespace/host`, as written. */
  readonly hosts: readonly string[];
  readonly httpsRedirect: boolean;
  readonly tlsMode: string | undefined;
}

/** An inbound port of a sidecar. */
export interface InboundPort {
  readonly service: Service | undefined;
  readonly port: ServicePort;
  readonly bind: string;
  readonly targetPort: number;
  /** Where the application listens; undefined: the address the connection came to. */
  readonly defaultEndpoint: { readonly address: string; readonly port: number } | undefined;
  /** True when the listener has a socket of its own (no traffic capture). */
  readonly bindToPort: boolean;
}

export interface Mesh {
  /** Changes with every new snapshot. */
  readonly version: string;
  readonly config: MeshConfigSpec;
  readonly services: readonly Service[];
  service(hostname: string, fromNamespace?: string): Service | undefined;
  /** Every endpoint of a service port, healthy or not, in a stable order. */
  endpoints(hostname: string, port: number): readonly ServiceEndpoint[];
  view(proxy: ProxyNode): ProxyView;
  /** True when the mesh can issue workload certificates. Without it ISTIO_MUTUAL cannot work and must never become plaintext. */
  readonly hasCertificateAuthority: boolean;
}

export interface ProxyView {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  /** What the proxy may see (exportTo; Sidecar scope later), by hostname in order. */
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
}
