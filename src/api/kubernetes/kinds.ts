// Kubernetes' kinds that are decoded, for analysis and for what will use them. Those that the mesh does not act on yet say so.
import { decoded, type DecodedKind } from "#api/decoded-kind";
import { customResourceDefinition, mutatingWebhookConfiguration, validatingWebhookConfiguration } from "./api-extension.ts";
import { configMap, namespace, node, secret, serviceAccount } from "./core.ts";
import { endpoints, endpointSlice } from "./endpoints.ts";
import { ingress, ingressClass } from "./ingress.ts";
import { pod } from "./pod.ts";
import {
  nothingToCheck,
  validateCronJob,
  validateDeployment,
  validatePod,
  validateReplicationController,
  validateSecret,
} from "./validate.ts";
import {
  cronJob,
  daemonSet,
  deployment,
  horizontalPodAutoscaler,
  job,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  statefulSet,
} from "./workload.ts";

const noEffect = { effect: "none" } as const;
const bodyWithoutEffect = { body: "object", effect: "none" } as const;
const admission = ["admissionregistration.k8s.io/v1"];

export const kubernetesKinds: readonly DecodedKind[] = [
  // Names of namespaces and accounts stand in the objects that use them: nothing is lost when they do nothing.
  decoded("Namespace", ["v1"], namespace, nothingToCheck, { effect: "harmless", specMayBeMissing: true }),
  decoded("ServiceAccount", ["v1"], serviceAccount, nothingToCheck, { body: "object", effect: "harmless" }),
  decoded("Secret", ["v1"], secret, validateSecret, { body: "object" }),
  // The mesh's own settings stand in one, authorities in others; those that nothing refers to are the applications'.
  decoded("ConfigMap", ["v1"], configMap, nothingToCheck, { body: "object", effect: "harmless" }),
  decoded("Node", ["v1"], node, nothingToCheck, { specMayBeMissing: true }),
  decoded("Pod", ["v1"], pod, validatePod, { specMayBeMissing: true, readsStatus: true }),
  decoded("Endpoints", ["v1"], endpoints, nothingToCheck, { body: "object" }),
  decoded("ReplicationController", ["v1"], replicationController, validateReplicationController, noEffect),
  decoded("EndpointSlice", ["discovery.k8s.io/v1"], endpointSlice, nothingToCheck, { body: "object" }),
  decoded("Deployment", ["apps/v1"], deployment, validateDeployment, noEffect),
  decoded("StatefulSet", ["apps/v1"], statefulSet, validateDeployment, noEffect),
  decoded("DaemonSet", ["apps/v1"], daemonSet, validateDeployment, noEffect),
  decoded("ReplicaSet", ["apps/v1"], replicaSet, validateDeployment, noEffect),
  decoded("Job", ["batch/v1"], job, validateDeployment, noEffect),
  decoded("CronJob", ["batch/v1"], cronJob, validateCronJob, noEffect),
  decoded("HorizontalPodAutoscaler", ["autoscaling/v2", "autoscaling/v1"], horizontalPodAutoscaler, nothingToCheck, noEffect),
  decoded("PodDisruptionBudget", ["policy/v1"], podDisruptionBudget, nothingToCheck, { ...noEffect, specMayBeMissing: true }),
  decoded("Ingress", ["networking.k8s.io/v1"], ingress, nothingToCheck),
  decoded("IngressClass", ["networking.k8s.io/v1"], ingressClass, nothingToCheck, { specMayBeMissing: true }),
  // Those of kinds that are built in change nothing, and of others nothing is served.
  decoded("CustomResourceDefinition", ["apiextensions.k8s.io/v1"], customResourceDefinition, nothingToCheck, { effect: "harmless" }),
  decoded("MutatingWebhookConfiguration", admission, mutatingWebhookConfiguration, nothingToCheck, bodyWithoutEffect),
  decoded("ValidatingWebhookConfiguration", admission, validatingWebhookConfiguration, nothingToCheck, bodyWithoutEffect),
];
