// Makes the immutable snapshot. Pure: objects and services in, lookups out. Everything that does not depend on endpoints is an
// index that the next snapshot takes over when only endpoints changed; what depends on a proxy is made when it asks.
import type { ConnectionPoolSettings, DestinationRuleSpec } from "#api/destination-rule";
import type { GatewaySpec } from "#api/gateway";
import type { ConfigMapSpec, SecretSpec } from "#api/kubernetes/core";
import type { MeshConfigSpec, ProxyConfig } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { PeerAuthenticationSpec } from "#api/peer-authentication";
import type { ProxyConfigObjectSpec } from "#api/proxy-config";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import { selects, type Labels } from "#control-plane/registry/labels";
import type { Service } from "#control-plane/registry/service";
import { DestinationRuleIndex } from "./destination-rule-index.ts";
import { mergeGateways, type GatewayWorkload } from "./gateway-servers.ts";
import { ingressObjects } from "./ingress.ts";
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
import { resolveMeshConfig } from "./mesh-config.ts";
import { MutualTlsModes } from "./mutual-tls-mode.ts";
import { effectiveProxyConfig } from "./proxy-config.ts";
import type { AnnouncedIngress, InterceptionMode, ProxyNode } from "./proxy.ts";
import { resolveVirtualService } from "./resolve-virtual-service.ts";
import { VirtualServiceIndex } from "./virtual-service-index.ts";
import { isVisible, visibilityOf } from "./visibility.ts";

export interface MeshInputs {
  /** Names the snapshot; changes with every new one. */
  readonly version: string;
  readonly objects: ObjectSet;
  readonly registry: RegistrySnapshot;
  /** Below what the user writes, above Istio's defaults. */
  readonly meshConfigDefaults: MeshConfigSpec;
  /** The domain of services: `cluster.local`. */
  readonly domain: string;
  readonly hasCertificateAuthority: boolean;
}

/** What a namespace sees: the same for all of its proxies. */
interface NamespaceScope {
  readonly services: readonly Service[];
  readonly byHostname: ReadonlyMap<string, Service>;
  readonly meshVirtualServices: readonly ResolvedVirtualService[];
}

class MeshIndex {
  readonly objects: ObjectSet;
  readonly services: readonly Service[];
  readonly config: MeshConfigSpec;
  readonly virtualServices: VirtualServiceIndex;
  readonly destinationRules: DestinationRuleIndex;
  readonly gateways: readonly ApiObject<GatewaySpec>[];
  readonly mutualTlsModes: MutualTlsModes;
  readonly rootNamespace: string;
  readonly serviceByHostname: ReadonlyMap<string, Service>;
  #scopes = new Map<string, NamespaceScope>();
  #selectable: ServicesByPair | undefined;

  constructor(inputs: MeshInputs) {
    const { objects, registry, domain } = inputs;
    this.objects = objects;
    this.services = registry.services;
    this.config = resolveMeshConfig(objects, inputs.meshConfigDefaults);
    const ingress = ingressObjects({
      objects,
      config: this.config,
      domain,
      portNumber: (namespace, name, port) =>
        this.services
          .find((service) => service.source === "Service" && service.namespace === namespace && service.name === name)
          ?.ports.find((candidate) => candidate.name === port)?.number,
    });
    this.virtualServices = new VirtualServiceIndex(
      [...ingress.virtualServices, ...objects.list<VirtualServiceSpec>("VirtualService")].map((object) =>
        resolveVirtualService(object, domain),
      ),
      this.config.defaultVirtualServiceExportTo,
    );
    this.destinationRules = new DestinationRuleIndex(objects.list<DestinationRuleSpec>("DestinationRule"), {
      domain,
      rootNamespace: this.config.rootNamespace ?? "istio-system",
      defaultExportTo: this.config.defaultDestinationRuleExportTo,
    });
    this.rootNamespace = this.config.rootNamespace ?? "istio-system";
    this.mutualTlsModes = new MutualTlsModes(objects.list<PeerAuthenticationSpec>("PeerAuthentication"), this.rootNamespace);
    this.gateways = [...ingress.gateways, ...objects.list<GatewaySpec>("Gateway")];
    this.serviceByHostname = new Map(this.services.map((service) => [service.hostname, service]));
  }

  seesService(service: Service, namespace: string): boolean {
    return isVisible(visibilityOf(service.exportTo, service.namespace, this.config.defaultServiceExportTo), namespace);
  }

  scope(namespace: string): NamespaceScope {
    let scope = this.#scopes.get(namespace);
    if (scope === undefined) {
      const visible = this.services.filter((service) => this.seesService(service, namespace));
      const services = visible.filter(({ hostname }, index) => visible[index - 1]?.hostname !== hostname);
      scope = {
        services,
        byHostname: new Map(services.map((service) => [service.hostname, service])),
        meshVirtualServices: this.virtualServices.forMesh(namespace),
      };
      this.#scopes.set(namespace, scope);
    }
    return scope;
  }

  /** Services whose selector selects a workload, by hostname in order. */
  servicesOf(namespace: string, labels: Labels): readonly Service[] {
    this.#selectable ??= selectorsByPair(this.services);
    const found = new Set<Service>();
    for (const [key, value] of Object.entries(labels)) {
      for (const service of this.#selectable.get(`${namespace}|${key}|${value}`) ?? []) {
        if (selects(service.selector ?? {}, labels)) found.add(service);
      }
    }
    return [...found].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  }
}

type ServicesByPair = ReadonlyMap<string, readonly Service[]>;

/** Each service under one pair of its selector: a workload that it selects bears that pair. */
function selectorsByPair(services: readonly Service[]): ServicesByPair {
  const result = new Map<string, Service[]>();
  for (const service of services) {
    const pair = Object.entries(service.selector ?? {})[0];
    if (pair === undefined) continue;
    const key = `${service.namespace}|${pair[0]}|${pair[1]}`;
    const list = result.get(key);
    if (list === undefined) result.set(key, [service]);
    else list.push(service);
  }
  return result;
}

const indexes = new WeakMap<Mesh, MeshIndex>();

/** `previous` only saves work: its index is taken over when neither objects nor services changed. */
export function buildMesh(inputs: MeshInputs, previous?: Mesh): Mesh {
  const before = previous === undefined ? undefined : indexes.get(previous);
  const index =
    before !== undefined && before.objects === inputs.objects && before.services === inputs.registry.services
      ? before
      : new MeshIndex(inputs);
  const views = new WeakMap<ProxyNode, ProxyView>();
  const mesh: Mesh = {
    version: inputs.version,
    config: index.config,
    services: index.services,
    service: (hostname, fromNamespace) =>
      fromNamespace === undefined ? index.serviceByHostname.get(hostname) : index.scope(fromNamespace).byHostname.get(hostname),
    endpoints: (hostname, port, namespace) => inputs.registry.endpoints(hostname, port, namespace),
    view: (node) => {
      let view = views.get(node);
      if (view === undefined) views.set(node, (view = new View(mesh, index, node, inputs.registry)));
      return view;
    },
    peerAuthentications: index.objects.list("PeerAuthentication"),
    mutualTlsMode: (namespace, labels, workloadPort) =>
      inputs.hasCertificateAuthority ? index.mutualTlsModes.mode(namespace, labels, workloadPort) : "DISABLE",
    hasCertificateAuthority: inputs.hasCertificateAuthority,
  };
  indexes.set(mesh, index);
  return mesh;
}

class View implements ProxyView {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  #index: MeshIndex;
  #scope: NamespaceScope;
  #registry: RegistrySnapshot;
  #gatewayServers: readonly GatewayServer[] | undefined;
  #inboundPorts: readonly InboundPort[] | undefined;
  #egressListeners: readonly EgressListener[] | undefined;
  #proxyConfig: ProxyConfig | undefined;

  constructor(mesh: Mesh, index: MeshIndex, node: ProxyNode, registry: RegistrySnapshot) {
    this.mesh = mesh;
    this.node = node;
    this.#registry = registry;
    this.#index = index;
    this.#scope = index.scope(node.namespace);
  }

  get services(): readonly Service[] {
    return this.#scope.services;
  }

  service(hostname: string): Service | undefined {
    return this.#scope.byHostname.get(hostname);
  }

  get meshVirtualServices(): readonly ResolvedVirtualService[] {
    return this.#scope.meshVirtualServices;
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
      services: [...new Set([...this.#index.servicesOf(namespace, labels), ...targets.map(({ service }) => service)])],
      targetPort: (service, port) =>
        targets.find((target) => target.service === service && target.port.number === port.number)?.endpoint.port ??
        (typeof port.targetPort === "number" ? port.targetPort : undefined),
    };
  }

  get inboundPorts(): readonly InboundPort[] {
    this.#inboundPorts ??=
      this.node.type === "sidecar" ? inboundPorts(this.node, this.#index.servicesOf(this.node.namespace, this.node.labels)) : [];
    return this.#inboundPorts;
  }

  get egressListeners(): readonly EgressListener[] {
    this.#egressListeners ??= [
      { port: undefined, bind: "", captureMode: "DEFAULT", services: this.services, virtualServices: this.meshVirtualServices },
    ];
    return this.#egressListeners;
  }

  mutualTlsMode(workloadPort: number): MutualTlsMode {
    return this.mesh.mutualTlsMode(this.node.namespace, this.node.labels, workloadPort);
  }

  get mutualTlsPorts(): readonly number[] {
    if (!this.mesh.hasCertificateAuthority) return [];
    return this.#index.mutualTlsModes.ports(this.node.namespace, this.node.labels);
  }

  get outboundTrafficPolicy(): OutboundTrafficPolicy {
    return { mode: this.mesh.config.outboundTrafficPolicy?.mode ?? "ALLOW_ANY", egressProxy: undefined };
  }

  get inboundConnectionPool(): ConnectionPoolSettings | undefined {
    return undefined;
  }

  get interceptionMode(): InterceptionMode {
    return this.node.interceptionMode;
  }

  get proxyConfig(): ProxyConfig {
    this.#proxyConfig ??= effectiveProxyConfig({
      defaults: this.mesh.config.defaultConfig,
      objects: this.#index.objects.list<ProxyConfigObjectSpec>("ProxyConfig"),
      rootNamespace: this.#index.rootNamespace,
      namespace: this.node.namespace,
      labels: this.node.labels,
      announced: this.node.proxyConfig,
    });
    return this.#proxyConfig;
  }

  get locality(): string {
    return this.node.locality;
  }

  secret(namespace: string, name: string): ApiObject<SecretSpec> | undefined {
    return namespace === this.node.namespace ? this.#index.objects.get<SecretSpec>("Secret", namespace, name) : undefined;
  }

  configMap(namespace: string, name: string): ApiObject<ConfigMapSpec> | undefined {
    return this.#index.objects.get<ConfigMapSpec>("ConfigMap", namespace, name);
  }

  get announcedIngress(): readonly AnnouncedIngress[] {
    return this.node.announcedIngress;
  }
}
