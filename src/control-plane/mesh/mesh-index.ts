// Everything of a mesh that does not depend on endpoints, made once for all proxies and taken over by the next snapshot when nothing of
// it changed. What namespaces see is made when somebody of theirs asks.
import type { DestinationRuleSpec } from "#api/destination-rule";
import type { GatewaySpec } from "#api/gateway";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { PeerAuthenticationSpec } from "#api/peer-authentication";
import type { ProxyConfigObjectSpec } from "#api/proxy-config";
import type { SidecarSpec } from "#api/sidecar";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";
import { Memo, sameOr } from "#control-plane/registry/memo";
import type { Service } from "#control-plane/registry/service";
import { withDelegates } from "./delegate-virtual-services.ts";
import { DestinationRuleIndex } from "./destination-rule-index.ts";
import { ingressObjects } from "./ingress.ts";
import { resolveMeshConfig } from "./mesh-config.ts";
import type { ResolvedVirtualService } from "./mesh.ts";
import { MutualTlsModes } from "./mutual-tls-mode.ts";
import type { ProxyNode } from "./proxy.ts";
import { resolveVirtualService } from "./resolve-virtual-service.ts";
import { ServiceIndex } from "./service-index.ts";
import { SidecarIndex, type Sidecar } from "./sidecar-index.ts";
import { gatewayScope, sidecarScope, type SidecarScope } from "./sidecar-scope.ts";
import { VirtualServiceIndex } from "./virtual-service-index.ts";

export interface MeshIndexInputs {
  readonly objects: ObjectSet;
  readonly services: readonly Service[];
  readonly meshConfigDefaults: MeshConfigSpec;
  readonly domain: string;
}

/** The kinds that an index is made of; services come from the registry. */
const KINDS = [
  "MeshConfig",
  "Ingress",
  "IngressClass",
  "VirtualService",
  "DestinationRule",
  "Gateway",
  "Sidecar",
  "PeerAuthentication",
  "ProxyConfig",
  "Namespace",
] as const;

/** Resolved once for as long as the object is: whoever keeps something of a VirtualService knows it again. */
const RESOLVED = new Memo<ResolvedVirtualService>();

export class MeshIndex {
  readonly #inputs: MeshIndexInputs;
  readonly config: MeshConfigSpec;
  readonly rootNamespace: string;
  readonly services: ServiceIndex;
  readonly virtualServices: VirtualServiceIndex;
  readonly destinationRules: DestinationRuleIndex;
  readonly sidecars: SidecarIndex;
  readonly gateways: readonly ApiObject<GatewaySpec>[];
  readonly mutualTlsModes: MutualTlsModes;
  readonly proxyConfigs: readonly ApiObject<ProxyConfigObjectSpec>[];
  /** The same list as the earlier index's when none of them changed. */
  readonly peerAuthentications: readonly ApiObject<PeerAuthenticationSpec>[];
  readonly #rules: readonly ApiObject<DestinationRuleSpec>[];
  readonly #scopes = new Map<string, SidecarScope>();
  /** The services of scopes, also of earlier indexes: a list with the same services stays the same list. */
  readonly #scopeServices: Map<string, readonly Service[]>;

  constructor(inputs: MeshIndexInputs, before?: MeshIndex) {
    const { objects, services, domain } = inputs;
    this.#inputs = inputs;
    this.config = resolveMeshConfig(objects, inputs.meshConfigDefaults);
    this.rootNamespace = this.config.rootNamespace ?? "istio-system";
    this.#scopeServices = before === undefined ? new Map() : before.#scopeServices;
    this.services =
      before !== undefined && before.#inputs.services === services && before.config === this.config
        ? before.services
        : new ServiceIndex(services, this.config.defaultServiceExportTo);
    const ingress = ingressObjects({
      objects,
      config: this.config,
      domain,
      portNumber: (namespace, name, port) =>
        services
          .find((service) => service.source === "Service" && service.namespace === namespace && service.name === name)
          ?.ports.find((candidate) => candidate.name === port)?.number,
    });
    const written = [...ingress.virtualServices, ...objects.list<VirtualServiceSpec>("VirtualService")];
    const { defaultVirtualServiceExportTo } = this.config;
    this.virtualServices = new VirtualServiceIndex(
      withDelegates(
        written.map((object) => RESOLVED.get(object, domain, () => resolveVirtualService(object, domain))),
        defaultVirtualServiceExportTo,
      ),
      defaultVirtualServiceExportTo,
    );
    const rules = objects.list<DestinationRuleSpec>("DestinationRule");
    this.#rules = sameOr(before === undefined ? undefined : before.#rules, rules);
    this.destinationRules =
      before !== undefined && before.#rules === this.#rules && before.config === this.config && before.#inputs.domain === domain
        ? before.destinationRules
        : new DestinationRuleIndex(rules, {
            domain,
            rootNamespace: this.rootNamespace,
            defaultExportTo: this.config.defaultDestinationRuleExportTo,
          });
    this.sidecars = new SidecarIndex(objects.list<SidecarSpec>("Sidecar"), this.rootNamespace);
    this.gateways = [...ingress.gateways, ...objects.list<GatewaySpec>("Gateway")];
    this.peerAuthentications = sameOr(before?.peerAuthentications, objects.list<PeerAuthenticationSpec>("PeerAuthentication"));
    this.mutualTlsModes = new MutualTlsModes(this.peerAuthentications, this.rootNamespace);
    this.proxyConfigs = objects.list<ProxyConfigObjectSpec>("ProxyConfig");
  }

  /** Whether an index of these inputs would say the same. */
  isFor(inputs: MeshIndexInputs): boolean {
    const own = this.#inputs;
    if (own.services !== inputs.services || own.domain !== inputs.domain || own.meshConfigDefaults !== inputs.meshConfigDefaults)
      return false;
    return (
      own.objects === inputs.objects ||
      KINDS.every((kind) => sameOr(own.objects.list(kind), inputs.objects.list(kind)) === own.objects.list(kind))
    );
  }

  /** Proxies of one namespace to which one Sidecar applies share their scope. */
  scope(node: Pick<ProxyNode, "type" | "namespace" | "labels">): SidecarScope {
    const sidecar = this.sidecarOf(node);
    const { namespace, type } = node;
    const key = `${type} ${namespace} ${sidecar === undefined ? "" : `${sidecar.metadata.namespace}/${sidecar.metadata.name}`}`;
    let scope = this.#scopes.get(key);
    if (scope === undefined) {
      const common = { namespace, index: this.services, virtualServices: this.virtualServices.forMesh(namespace) };
      const made = type === "router" ? gatewayScope(common) : sidecarScope({ ...common, sidecar: sidecar?.spec });
      scope = { ...made, services: sameOr(this.#scopeServices.get(key), made.services) };
      this.#scopeServices.set(key, scope.services);
      this.#scopes.set(key, scope);
    }
    return scope;
  }

  sidecarOf({ type, namespace, labels }: Pick<ProxyNode, "type" | "namespace" | "labels">): Sidecar | undefined {
    return type === "sidecar" ? this.sidecars.find(namespace, labels) : undefined;
  }
}
