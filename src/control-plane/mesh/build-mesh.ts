// Makes the immutable snapshot. Pure: objects and services in, lookups out. Everything that does not depend on endpoints is an
// index that the next snapshot takes over when only endpoints changed; what depends on a proxy is made when it asks.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ObjectSet } from "#control-plane/config/object-set";
import { discoveredObjects } from "#control-plane/registry/discovery-selectors";
import { changesOnlyEndpoints } from "#control-plane/registry/endpoint-change";
import type { RegistrySnapshot } from "#control-plane/registry/registry";
import type { Mesh, ProxyView } from "./mesh.ts";
import { MeshIndex } from "./mesh-index.ts";
import type { ProxyNode } from "./proxy.ts";
import { View } from "./proxy-view.ts";

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

interface Made {
  readonly index: MeshIndex;
  readonly registry: RegistrySnapshot;
  readonly hasCertificateAuthority: boolean;
}

const made = new WeakMap<Mesh, Made>();

/** `previous` only saves work: its index is taken over when nothing changed that it is made of. */
export function buildMesh(inputs: MeshInputs, previous?: Mesh): Mesh {
  const { registry, meshConfigDefaults, domain, hasCertificateAuthority } = inputs;
  const objects = discoveredObjects(inputs.objects);
  const indexInputs = { objects, services: registry.services, meshConfigDefaults, domain };
  const earlier = previous === undefined ? undefined : made.get(previous);
  const index = earlier?.index.isFor(indexInputs) === true ? earlier.index : new MeshIndex(indexInputs, earlier?.index);
  const own: Made = { index, registry, hasCertificateAuthority };
  const views = new WeakMap<ProxyNode, ProxyView>();
  const mesh: Mesh = {
    version: inputs.version,
    config: index.config,
    services: registry.services,
    service: (hostname, fromNamespace) =>
      fromNamespace === undefined
        ? index.services.first(hostname)
        : index.scope({ type: "router", namespace: fromNamespace, labels: {} }).byHostname.get(hostname),
    endpoints: (hostname, port, namespace) => registry.endpoints(hostname, port, namespace),
    view: (node) => {
      let view = views.get(node);
      if (view === undefined) views.set(node, (view = new View({ mesh, index, node, registry, objects })));
      return view;
    },
    mutualTlsMode: (namespace, labels, workloadPort) =>
      hasCertificateAuthority ? index.mutualTlsModes.mode(namespace, labels, workloadPort) : "DISABLE",
    peerAuthentications: index.peerAuthentications,
    changedSince: (earlier) => {
      const other = made.get(earlier);
      if (other === undefined || other.index !== index) return { configuration: true, endpoints: undefined };
      return { configuration: !changesOnlyEndpoints(other.registry, registry), endpoints: registry.changedEndpoints(other.registry) };
    },
    hasCertificateAuthority,
    destinations: previous !== undefined && earlier !== undefined && sameDestinations(earlier, own) ? previous.destinations : {},
  };
  made.set(mesh, own);
  return mesh;
}

function sameDestinations(a: Made, b: Made): boolean {
  return (
    a.index.destinationRules === b.index.destinationRules &&
    a.index.config === b.index.config &&
    a.index.peerAuthentications === b.index.peerAuthentications &&
    a.registry.services === b.registry.services &&
    a.hasCertificateAuthority === b.hasCertificateAuthority &&
    b.registry.changedEndpoints(a.registry)?.size === 0
  );
}
