// One proxy's view of a mesh. Everything is worked out when it is asked for, and once.
import type { ConnectionPoolSettings } from "#api/destination-rule";
import type { ConfigMapSpec, SecretSpec } from "#api/kubernetes/core";
import type { ProxyConfig } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import type { Service } from "#control-plane/registry/service";
import { mergeGateways, type GatewayWorkload } from "./gateway-servers.ts";
import { inboundPorts } from "./inbound-ports.ts";
import type {
  EgressListener,
  GatewayServer,
  InboundPort,
  Mesh,
  MutualTlsMode,
  OutboundTrafficPolicy,
  ProxyView,
  ResolvedDestinationRule,
  ResolvedVirtualService,
} from "./mesh.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { effectiveProxyConfig } from "./proxy-config.ts";
import type { AnnouncedIngress, InterceptionMode, ProxyNode } from "./proxy.ts";
import type { Sidecar } from "./sidecar-index.ts";
import type { SidecarScope } from "./sidecar-scope.ts";
import { workloadTargets } from "./workload-targets.ts";

export interface ViewInputs {
  readonly mesh: Mesh;
  readonly index: MeshIndex;
  readonly node: ProxyNode;
  readonly registry: RegistrySnapshot;
  readonly objects: ObjectSet;
}

export class View implements ProxyView {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  readonly #index: MeshIndex;
  readonly #registry: RegistrySnapshot;
  readonly #objects: ObjectSet;
  readonly #scope: SidecarScope;
  readonly #sidecar: Sidecar | undefined;
  #gatewayServers: readonly GatewayServer[] | undefined;
  #inboundPorts: readonly InboundPort[] | undefined;
  #proxyConfig: ProxyConfig | undefined;

  constructor({ mesh, index, node, registry, objects }: ViewInputs) {
    this.mesh = mesh;
    this.node = node;
    this.#index = index;
    this.#registry = registry;
    this.#objects = objects;
    this.#sidecar = index.sidecarOf(node);
    this.#scope = index.scope(node);
  }

  get services(): readonly Service[] {
    return this.#scope.services;
  }

  service(hostname: string): Service | undefined {
    return this.#scope.byHostname.get(hostname);
  }

  get meshVirtualServices(): readonly ResolvedVirtualService[] {
    return this.#scope.virtualServices;
  }

  gatewayVirtualServices(gateway: string): readonly ResolvedVirtualService[] {
    return this.#index.virtualServices.forGateway(gateway, this.node.namespace);
  }

  destinationRule(hostname: string): ResolvedDestinationRule | undefined {
    const { namespace, labels } = this.node;
    const serviceNamespace = this.#scope.byHostname.get(hostname)?.namespace;
    return this.#index.destinationRules.find({ hostname, serviceNamespace, namespace, labels });
  }

  get gatewayServers(): readonly GatewayServer[] {
    this.#gatewayServers ??= this.node.type === "router" ? mergeGateways(this.#index.gateways, this.#gatewayWorkload()).servers : [];
    return this.#gatewayServers;
  }

  /** Services that select the gateway, and those that have it among their endpoints. */
  #gatewayWorkload(): GatewayWorkload {
    const { ipAddresses, labels, namespace } = this.node;
    const targets = ipAddresses.flatMap((address) => this.#registry.targetsAt(address));
    return {
      labels,
      services: [...new Set([...this.#index.services.selecting(namespace, labels), ...targets.map(({ service }) => service)])],
      targetPort: (service, port) =>
        targets.find((target) => target.service === service && target.port.number === port.number)?.endpoint.port ??
        (typeof port.targetPort === "number" ? port.targetPort : undefined),
    };
  }

  get inboundPorts(): readonly InboundPort[] {
    this.#inboundPorts ??=
      this.node.type === "sidecar"
        ? inboundPorts({
            node: this.node,
            sidecar: this.#sidecar,
            targets: workloadTargets(this.node, this.#index.services, this.#registry),
          })
        : [];
    return this.#inboundPorts;
  }

  get egressListeners(): readonly EgressListener[] {
    return this.#scope.listeners;
  }

  mutualTlsMode(workloadPort: number): MutualTlsMode {
    return this.mesh.mutualTlsMode(this.node.namespace, this.node.labels, workloadPort);
  }

  get mutualTlsPorts(): readonly number[] {
    if (!this.mesh.hasCertificateAuthority) return [];
    return this.#index.mutualTlsModes.ports(this.node.namespace, this.node.labels);
  }

  get outboundTrafficPolicy(): OutboundTrafficPolicy {
    const written = this.#sidecar?.spec.outboundTrafficPolicy;
    // The mode that a Sidecar does not write is proto's first.
    if (written !== undefined) return { mode: written.mode ?? "REGISTRY_ONLY", egressProxy: written.egressProxy };
    return { mode: this.mesh.config.outboundTrafficPolicy?.mode ?? "ALLOW_ANY", egressProxy: undefined };
  }

  get inboundConnectionPool(): ConnectionPoolSettings | undefined {
    return this.#sidecar?.spec.inboundConnectionPool;
  }

  get interceptionMode(): InterceptionMode {
    return this.node.interceptionMode;
  }

  get proxyConfig(): ProxyConfig {
    this.#proxyConfig ??= effectiveProxyConfig({
      defaults: this.mesh.config.defaultConfig,
      objects: this.#index.proxyConfigs,
      rootNamespace: this.#index.rootNamespace,
      namespace: this.node.namespace,
      labels: this.node.labels,
      announced: this.node.proxyConfig,
    });
    return this.#proxyConfig;
  }

  get locality(): string {
    if (this.node.locality !== "") return this.node.locality;
    const instance = this.#registry.instance(this.node.namespace, this.node.name);
    return instance?.locality ?? "";
  }

  secret(namespace: string, name: string): ApiObject<SecretSpec> | undefined {
    return namespace === this.node.namespace ? this.#objects.get<SecretSpec>("Secret", namespace, name) : undefined;
  }

  configMap(namespace: string, name: string): ApiObject<ConfigMapSpec> | undefined {
    return this.#objects.get<ConfigMapSpec>("ConfigMap", namespace, name);
  }

  get announcedIngress(): readonly AnnouncedIngress[] {
    return this.node.announcedIngress;
  }
}
