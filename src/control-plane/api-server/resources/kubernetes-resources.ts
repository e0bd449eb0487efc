// Kubernetes' own kinds with their names in paths and commands: facts of its API.
import { lookUpKind } from "#api/kinds";
import { kubernetesColumns } from "#control-plane/api-server/table/kubernetes-columns";
import { Resource } from "./resource.ts";

interface Row {
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly short?: readonly string[];
  readonly all?: boolean;
  readonly cluster?: boolean;
  readonly subresources?: readonly string[];
  readonly category?: string;
}

const STATUS = { subresources: ["status"] } as const;
const CLUSTER = { cluster: true } as const;
const rbac = "rbac.authorization.k8s.io/v1";
const admission = "admissionregistration.k8s.io/v1";

const ROWS: readonly Row[] = [
  { version: "v1", kind: "ConfigMap", plural: "configmaps", short: ["cm"] },
  { version: "v1", kind: "Endpoints", plural: "endpoints", short: ["ep"] },
  { version: "v1", kind: "Event", plural: "events", short: ["ev"] },
  { version: "v1", kind: "LimitRange", plural: "limitranges", short: ["limits"] },
  { version: "v1", kind: "Namespace", plural: "namespaces", short: ["ns"], cluster: true, subresources: ["status", "finalize"] },
  { version: "v1", kind: "Node", plural: "nodes", short: ["no"], ...CLUSTER, ...STATUS },
  { version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims", short: ["pvc"], ...STATUS },
  { version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", short: ["pv"], ...CLUSTER, ...STATUS },
  { version: "v1", kind: "Pod", plural: "pods", short: ["po"], all: true, ...STATUS },
  { version: "v1", kind: "ReplicationController", plural: "replicationcontrollers", short: ["rc"], all: true, ...STATUS },
  { version: "v1", kind: "ResourceQuota", plural: "resourcequotas", short: ["quota"], ...STATUS },
  { version: "v1", kind: "Secret", plural: "secrets" },
  { version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", short: ["sa"] },
  { version: "v1", kind: "Service", plural: "services", short: ["svc"], all: true, ...STATUS },
  {
    version: admission,
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    ...CLUSTER,
    category: "api-extensions",
  },
  {
    version: admission,
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    ...CLUSTER,
    category: "api-extensions",
  },
  {
    version: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    short: ["crd", "crds"],
    category: "api-extensions",
    ...CLUSTER,
    ...STATUS,
  },
  { version: "apps/v1", kind: "ControllerRevision", plural: "controllerrevisions" },
  { version: "apps/v1", kind: "DaemonSet", plural: "daemonsets", short: ["ds"], all: true, ...STATUS },
  { version: "apps/v1", kind: "Deployment", plural: "deployments", short: ["deploy"], all: true, ...STATUS },
  { version: "apps/v1", kind: "ReplicaSet", plural: "replicasets", short: ["rs"], all: true, ...STATUS },
  { version: "apps/v1", kind: "StatefulSet", plural: "statefulsets", short: ["sts"], all: true, ...STATUS },
  { version: "autoscaling/v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers", short: ["hpa"], all: true, ...STATUS },
  { version: "batch/v1", kind: "CronJob", plural: "cronjobs", short: ["cj"], all: true, ...STATUS },
  { version: "batch/v1", kind: "Job", plural: "jobs", all: true, ...STATUS },
  { version: "discovery.k8s.io/v1", kind: "EndpointSlice", plural: "endpointslices" },
  { version: "networking.k8s.io/v1", kind: "IngressClass", plural: "ingressclasses", ...CLUSTER },
  { version: "networking.k8s.io/v1", kind: "Ingress", plural: "ingresses", short: ["ing"], ...STATUS },
  { version: "networking.k8s.io/v1", kind: "NetworkPolicy", plural: "networkpolicies", short: ["netpol"] },
  { version: "policy/v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets", short: ["pdb"], ...STATUS },
  { version: rbac, kind: "ClusterRoleBinding", plural: "clusterrolebindings", ...CLUSTER },
  { version: rbac, kind: "ClusterRole", plural: "clusterroles", ...CLUSTER },
  { version: rbac, kind: "RoleBinding", plural: "rolebindings" },
  { version: rbac, kind: "Role", plural: "roles" },
];

export function kubernetesResources(): readonly Resource[] {
  return ROWS.map((row) => {
    const slash = row.version.indexOf("/");
    const version = row.version.slice(slash + 1);
    const found = lookUpKind(row.version, row.kind);
    return new Resource({
      group: slash === -1 ? "" : row.version.slice(0, slash),
      versions: [version],
      kind: row.kind,
      plural: row.plural,
      shortNames: row.short ?? [],
      categories: [...(row.all === true ? ["all"] : []), ...(row.category === undefined ? [] : [row.category])],
      namespaced: row.cluster !== true,
      columns: kubernetesColumns(row.kind),
      declarations: new Map(found.is === "decoded" ? [[version, found.declaration]] : []),
      subresources: row.subresources ?? [],
      isCustom: false,
    });
  });
}
