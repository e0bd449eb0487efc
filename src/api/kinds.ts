// The kinds that the product knows: those that are decoded, and those that are known by name only. A kind moves from the second
// table to the first when it gets an effect.
import { decoded, type DecodedKind } from "./decoded-kind.ts";
import { destinationRule } from "./destination-rule.ts";
import { validateDestinationRule } from "./destination-rule/validate.ts";
import { gateway } from "./gateway.ts";
import { validateGateway } from "./gateway/validate.ts";
import { gatewayApiKinds } from "./gateway-api/kinds.ts";
import { istioKinds } from "./istio-kinds.ts";
import { kubernetesKinds } from "./kubernetes/kinds.ts";
import { meshConfig } from "./mesh-config.ts";
import { validateMeshConfig } from "./mesh-config/validate.ts";
import { serviceEntry } from "./service-entry.ts";
import { validateServiceEntry } from "./service-entry/validate.ts";
import { service } from "./service.ts";
import { validateService } from "./service/validate.ts";
import { sidecar } from "./sidecar.ts";
import { validateSidecar } from "./sidecar/validate.ts";
import { virtualService } from "./virtual-service.ts";
import { validateVirtualService } from "./virtual-service/validate.ts";
import { workloadEndpoint } from "./workload-entry.ts";
import { workloadGroup } from "./workload-group.ts";
import { validateWorkloadEntry, validateWorkloadGroup } from "./workload-group/validate.ts";

const networkingVersions = ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

/** MeshConfig is no Kubernetes object: it comes in a ConfigMap or in a file of its own, and gets this form to live among objects. */
export const meshConfigVersion = "mesh.istio.io/v1alpha1";

const decodedKinds: readonly DecodedKind[] = [
  decoded("VirtualService", networkingVersions, virtualService, validateVirtualService),
  decoded("DestinationRule", networkingVersions, destinationRule, validateDestinationRule),
  decoded("Gateway", networkingVersions, gateway, validateGateway),
  decoded("WorkloadGroup", networkingVersions, workloadGroup, validateWorkloadGroup),
  decoded("WorkloadEntry", networkingVersions, workloadEndpoint, validateWorkloadEntry, { readsStatus: true }),
  decoded("ServiceEntry", networkingVersions, serviceEntry, validateServiceEntry, { readsStatus: true }),
  decoded("Sidecar", networkingVersions, sidecar, validateSidecar),
  decoded("Service", ["v1"], service, validateService),
  ...istioKinds,
  decoded("MeshConfig", [meshConfigVersion], meshConfig, validateMeshConfig),
  ...gatewayApiKinds,
  ...kubernetesKinds,
];

/** API group -> kinds that are accepted and have no effect yet; "" is Kubernetes' core group. */
const knownKinds: Readonly<Record<string, readonly string[]>> = {
  "install.istio.io": ["IstioOperator"],
  "inference.networking.k8s.io": ["InferencePool"],
  "": ["PersistentVolume", "PersistentVolumeClaim", "LimitRange", "ResourceQuota", "Event"],
  apps: ["ControllerRevision"],
  policy: ["PodSecurityPolicy"],
  "networking.k8s.io": ["NetworkPolicy"],
  "rbac.authorization.k8s.io": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
};

const clusterScoped: ReadonlySet<string> = new Set([
  "Namespace",
  "Node",
  "PersistentVolume",
  "GatewayClass",
  "XMesh",
  "ClusterRole",
  "ClusterRoleBinding",
  "PodSecurityPolicy",
  "CustomResourceDefinition",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
]);

export type KindLookup =
  | { readonly is: "decoded"; readonly declaration: DecodedKind }
  | { readonly is: "known" }
  /** The kind is right, the version is not. */
  | { readonly is: "wrong version"; readonly versions: readonly string[] }
  /** A group of Kubernetes or Istio that has no such kind; names lists those it has. */
  | { readonly is: "unknown"; readonly names: readonly string[] }
  | { readonly is: "foreign" };

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash === -1 ? "" : apiVersion.slice(0, slash);
}

/** API group -> kind as it is written -> its declarations, one for each set of versions. */
const byGroup = new Map<string, Map<string, readonly DecodedKind[]>>();
for (const declaration of decodedKinds) {
  const group = groupOf(declaration.apiVersions[0] ?? "");
  const kinds = byGroup.get(group) ?? new Map<string, readonly DecodedKind[]>();
  byGroup.set(group, kinds.set(declaration.writtenAs, [...(kinds.get(declaration.writtenAs) ?? []), declaration]));
}

export function lookUpKind(apiVersion: string, kind: string): KindLookup {
  const group = groupOf(apiVersion);
  const inGroup = byGroup.get(group);
  const named = inGroup?.get(kind);
  if (named !== undefined) {
    const declaration = named.find((candidate) => candidate.apiVersions.includes(apiVersion));
    if (declaration !== undefined) return { is: "decoded", declaration };
    return { is: "wrong version", versions: named.flatMap((candidate) => candidate.apiVersions) };
  }
  const known = Object.hasOwn(knownKinds, group) ? knownKinds[group] : undefined;
  if (known?.includes(kind) === true) return { is: "known" };
  if (known === undefined && inGroup === undefined) return { is: "foreign" };
  return { is: "unknown", names: [...(inGroup?.keys() ?? []), ...(known ?? [])] };
}

/** The kind in an object's key: one name means one thing in it. */
export function keyKind(apiVersion: string, kind: string): string {
  const found = lookUpKind(apiVersion, kind);
  if (found.is === "decoded") return found.declaration.kind;
  return found.is === "foreign" ? `${kind}.${groupOf(apiVersion)}` : kind;
}

/** The kind as a file says it. */
export function writtenKind(kind: string): string {
  return decodedKind(kind)?.writtenAs ?? /^\w+/u.exec(kind)?.[0] ?? kind;
}

export function isNamespaced(kind: string): boolean {
  return !clusterScoped.has(kind);
}

const byName = new Map(decodedKinds.toReversed().map((declaration) => [declaration.kind, declaration]));

export function decodedKind(kind: string): DecodedKind | undefined {
  return byName.get(kind);
}

export function decodedKindNames(): readonly string[] {
  return [...new Set(decodedKinds.map((declaration) => declaration.kind))];
}
