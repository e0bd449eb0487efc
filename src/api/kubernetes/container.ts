// A container of a pod: what the mesh and its analysis read. The table at the end names what is accepted and not looked into.
import { bool, field, json, required, string, type Decoded } from "#api/declaration";
import { choice, int64, list, opaque, strings, structure, table, whole } from "#api/structure";

const containerPort = structure("ContainerPort", {
  name: field(string, "Its name, for Services"),
  containerPort: required(whole(1, 65_535), "The port"),
  protocol: field(choice(["TCP", "UDP", "SCTP"]), "TCP when it is left out"),
  hostPort: field(whole(0, 65_535), "The port on the node"),
  hostIP: field(string, "The address on the node"),
});
export type ContainerPort = Decoded<typeof containerPort>;

const envVar = structure("EnvVar", {
  name: required(string, "Its name"),
  value: field(string, "Its value"),
  valueFrom: field(json, "Where its value is taken from"),
});

/** Of containers and pods alike; the rest of their settings is not looked into. */
const securityContextFields = {
  runAsUser: field(int64, "The user's number"),
  runAsGroup: field(int64, "The group's number"),
  runAsNonRoot: field(bool, "Whether the user must not be root"),
  ...opaque({
    seLinuxOptions: "SELinux labels",
    seccompProfile: "System calls that are allowed",
    appArmorProfile: "AppArmor profile",
    windowsOptions: "Settings of Windows",
  }),
};

const containerSecurityContext = structure("SecurityContext", {
  ...securityContextFields,
  privileged: field(bool, "Whether it is root on the node"),
  allowPrivilegeEscalation: field(bool, "Whether it may get more rights"),
  readOnlyRootFilesystem: field(bool, "Whether its files are read-only"),
  ...opaque({ capabilities: "Linux capabilities", procMount: "How /proc looks" }),
});

export const podSecurityContext = structure("PodSecurityContext", {
  ...securityContextFields,
  fsGroup: field(int64, "The group of volumes"),
  ...opaque({
    supplementalGroups: "More groups",
    supplementalGroupsPolicy: "How groups are joined",
    fsGroupChangePolicy: "When volumes change their group",
    seLinuxChangePolicy: "When volumes change their label",
    sysctls: "Kernel settings",
  }),
});

/** Amounts of cpu, memory and the like: numbers or texts such as 100m or 1Gi. */
const amounts = table({ shape: json.shape } as typeof json);
export const resources = structure("ResourceRequirements", {
  limits: field(amounts, "What it may use at most"),
  requests: field(amounts, "What it needs"),
  claims: field(json, "Devices"),
});
export type Resources = Decoded<typeof resources>;

const containerFields = {
  name: required(string, "Its name in the pod"),
  image: field(string, "The image"),
  command: field(strings, "What is run instead of the image's entry point"),
  args: field(strings, "Arguments"),
  workingDir: field(string, "The folder it runs in"),
  ports: field(list(containerPort), "Ports, for people and for names"),
  env: field(list(envVar), "Environment variables"),
  resources: field(resources, "What it needs and may use"),
  securityContext: field(containerSecurityContext, "Users and rights"),
  stdin: field(bool, "Whether it has an input"),
  stdinOnce: field(bool, "Whether the input ends with its first reader"),
  tty: field(bool, "Whether it has a terminal"),
  imagePullPolicy: field(string, "When the image is fetched"),
  restartPolicy: field(string, "Always: an init container that keeps running"),
  terminationMessagePath: field(string, "The file of its last words"),
  terminationMessagePolicy: field(string, "Where its last words come from"),
  // Accepted and not looked into.
  ...opaque({
    envFrom: "Environment variables from other objects",
    resizePolicy: "How resources change while it runs",
    restartPolicyRules: "When it is started again",
    volumeMounts: "Where volumes are",
    volumeDevices: "Where block devices are",
    livenessProbe: "When it is restarted",
    readinessProbe: "When it is ready",
    startupProbe: "When it has started",
    lifecycle: "What is run when it starts and stops",
  }),
};

export const container = structure("Container", containerFields);
export type Container = Decoded<typeof container>;
export const ephemeralContainer = structure("EphemeralContainer", {
  ...containerFields,
  targetContainerName: field(string, "The container whose processes it sees"),
});
