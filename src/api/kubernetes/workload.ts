// Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job and CronJob: whatever makes pods of a template.
import { bool, field, json, required, string, type Decoded } from "#api/declaration";
import { objectMeta } from "#api/object-envelope";
import { int32, int64, opaque, stringMap, structure } from "#api/structure";
import { labelSelector } from "./label-selector.ts";
import { podTemplate } from "./pod.ts";

const replicas = field(int32, "How many pods; 1 when it is left out");
const minReadySeconds = field(int32, "Time that a pod must be ready for to count");
const revisionHistoryLimit = field(int32, "How many old versions are kept");

/** What every kind has that makes pods. */
const makesPods = {
  selector: field(labelSelector, "Labels of its pods"),
  template: required(podTemplate, "What its pods are like"),
};

export const deployment = structure("Deployment", {
  ...makesPods,
  replicas,
  minReadySeconds,
  revisionHistoryLimit,
  paused: field(bool, "Whether changes wait"),
  progressDeadlineSeconds: field(int32, "Time after which a change has failed"),
  ...opaque({ strategy: "How pods are replaced" }),
});
export type DeploymentSpec = Decoded<typeof deployment>;

export const statefulSet = structure("StatefulSet", {
  ...makesPods,
  replicas,
  minReadySeconds,
  revisionHistoryLimit,
  serviceName: field(string, "The Service of its pods' names"),
  podManagementPolicy: field(string, "Whether pods start one by one"),
  ...opaque({
    updateStrategy: "How pods are replaced",
    volumeClaimTemplates: "Volumes of each pod",
    persistentVolumeClaimRetentionPolicy: "When volumes go",
    ordinals: "How pods are numbered",
  }),
});

export const daemonSet = structure("DaemonSet", {
  ...makesPods,
  minReadySeconds,
  revisionHistoryLimit,
  ...opaque({ updateStrategy: "How pods are replaced" }),
});

export const replicaSet = structure("ReplicaSet", {
  selector: makesPods.selector,
  template: field(podTemplate, "What its pods are like"),
  replicas,
  minReadySeconds,
});

export const replicationController = structure("ReplicationController", {
  selector: field(stringMap, "Labels of its pods"),
  template: field(podTemplate, "What its pods are like"),
  replicas,
  minReadySeconds,
});

export const job = structure("Job", {
  ...makesPods,
  parallelism: field(int32, "How many pods at a time"),
  completions: field(int32, "How many pods must succeed"),
  activeDeadlineSeconds: field(int64, "Time it may run"),
  backoffLimit: field(int32, "How often it is tried again"),
  backoffLimitPerIndex: field(int32, "How often each index is tried again"),
  maxFailedIndexes: field(int32, "How many indexes may fail"),
  manualSelector: field(bool, "Whether the selector is the user's"),
  ttlSecondsAfterFinished: field(int32, "Time after which it is removed"),
  completionMode: field(string, "Whether pods are numbered"),
  suspend: field(bool, "Whether it waits"),
  podReplacementPolicy: field(string, "When a pod is replaced"),
  managedBy: field(string, "Who runs it"),
  ...opaque({
    podFailurePolicy: "What failures mean",
    successPolicy: "What success is",
    scheduling: "How its pods are scheduled together",
  }),
});
export type JobSpec = Decoded<typeof job>;

export const cronJob = structure("CronJob", {
  schedule: required(string, "When it runs"),
  timeZone: field(string, "In which time zone"),
  startingDeadlineSeconds: field(int64, "How late it may start"),
  concurrencyPolicy: field(string, "Whether two may run at a time"),
  suspend: field(bool, "Whether it waits"),
  jobTemplate: required(
    structure("JobTemplateSpec", {
      metadata: field(objectMeta, "Labels and annotations of its Jobs"),
      spec: field(job, "Its Jobs"),
    }),
    "What its Jobs are like",
  ),
  successfulJobsHistoryLimit: field(int32, "How many succeeded Jobs are kept"),
  failedJobsHistoryLimit: field(int32, "How many failed Jobs are kept"),
});
export type CronJobSpec = Decoded<typeof cronJob>;

export const horizontalPodAutoscaler = structure("HorizontalPodAutoscaler", {
  scaleTargetRef: required(
    structure("CrossVersionObjectReference", {
      apiVersion: field(string, "Its API version"),
      kind: required(string, "Its kind"),
      name: required(string, "Its name"),
    }),
    "What is scaled",
  ),
  minReplicas: field(int32, "Pods at least"),
  maxReplicas: required(int32, "Pods at most"),
  targetCPUUtilizationPercentage: field(int32, "The load that is aimed at, in version v1"),
  metrics: field(json, "What it goes by"),
  behavior: field(json, "How fast it goes"),
});

export const podDisruptionBudget = structure("PodDisruptionBudget", {
  selector: field(labelSelector, "Labels of the pods"),
  ...opaque({ minAvailable: "How many stay, as a number or percentage", maxUnavailable: "How many may go, as a number or percentage" }),
  unhealthyPodEvictionPolicy: field(string, "Whether pods that are not ready may go"),
});
