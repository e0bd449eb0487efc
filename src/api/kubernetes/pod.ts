// Pod and the pod template that Deployments and their like hold.
import { bool, field, string, type Decoded } from "#api/declaration";
import { objectMeta } from "#api/object-envelope";
import { int32, int64, list, opaque, stringMap, structure } from "#api/structure";
import { container, ephemeralContainer, podSecurityContext, resources } from "./container.ts";

export const pod = structure("PodSpec", {
  containers: field(list(container), "Its containers"),
  initContainers: field(list(container), "Containers that run before"),
  ephemeralContainers: field(list(ephemeralContainer), "Containers added for a look inside"),
  serviceAccountName: field(string, "The identity of its processes"),
  serviceAccount: field(string, "The old name of serviceAccountName"),
  automountServiceAccountToken: field(bool, "Whether it gets a token of its account"),
  nodeName: field(string, "The node it runs on"),
  nodeSelector: field(stringMap, "Labels of nodes it may run on"),
  hostname: field(string, "Its host name"),
  subdomain: field(string, "The domain of its host name"),
  hostNetwork: field(bool, "Whether it uses the node's network"),
  hostPID: field(bool, "Whether it sees the node's processes"),
  hostIPC: field(bool, "Whether it shares memory with the node"),
  shareProcessNamespace: field(bool, "Whether containers see each other's processes"),
  securityContext: field(podSecurityContext, "Users and rights"),
  restartPolicy: field(string, "When containers are started again"),
  terminationGracePeriodSeconds: field(int64, "Time to stop"),
  activeDeadlineSeconds: field(int64, "Time it may run"),
  dnsPolicy: field(string, "Where names are looked up"),
  schedulerName: field(string, "Who finds a node"),
  priorityClassName: field(string, "How important it is, by name"),
  priority: field(int32, "How important it is"),
  runtimeClassName: field(string, "What runs its containers"),
  preemptionPolicy: field(string, "Whether it may push others away"),
  enableServiceLinks: field(bool, "Whether Services become environment variables"),
  setHostnameAsFQDN: field(bool, "Whether its host name is the full one"),
  hostUsers: field(bool, "Whether its users are the node's"),
  hostnameOverride: field(string, "Its host name, whatever its name"),
  resources: field(resources, "What it needs and may use as a whole"),
  // Accepted and not looked into.
  ...opaque({
    volumes: "Its volumes",
    imagePullSecrets: "Secrets for fetching images",
    affinity: "Where it likes to run",
    tolerations: "Nodes it bears",
    hostAliases: "Lines of /etc/hosts",
    dnsConfig: "Settings of its resolver",
    readinessGates: "What else makes it ready",
    overhead: "What its runtime needs",
    topologySpreadConstraints: "How pods are spread",
    os: "Its operating system",
    schedulingGates: "What must happen before it runs",
    resourceClaims: "Devices",
    evictionResponders: "Who is asked before it is evicted",
    workloadRef: "The group it is scheduled with",
    schedulingGroup: "The group it is scheduled with",
  }),
});
export type PodSpec = Decoded<typeof pod>;

export const podTemplate = structure("PodTemplateSpec", {
  metadata: field(objectMeta, "Labels and annotations of its pods"),
  spec: field(pod, "Its pods"),
});
export type PodTemplate = Decoded<typeof podTemplate>;
