// The columns of Kubernetes' own kinds, as its API server prints them.
import {
  entriesOf,
  isList,
  isObject,
  member,
  memberAt,
  plainText,
  textAt,
  type Json,
  type JsonObject,
} from "#control-plane/api-server/json";
import { ageColumn, countColumn, nameColumn, textColumn, wideColumn, type Column } from "./column.ts";
import { ageOf } from "./human-duration.ts";

const NONE = "<none>";
const UNSET = "<unset>";

function listAt(object: JsonObject, ...path: readonly string[]): readonly Json[] {
  const found = memberAt(object, ...path);
  return isList(found) ? found : [];
}

function numberAt(object: JsonObject, ...path: readonly string[]): number {
  const found = memberAt(object, ...path);
  return typeof found === "number" ? found : 0;
}

function sizeAt(object: JsonObject, ...path: readonly string[]): number {
  const found = memberAt(object, ...path);
  return isObject(found) ? entriesOf(found).length : 0;
}

function orNone(text: string): string {
  return text === "" ? NONE : text;
}

function labelsText(labels: Json | undefined): string {
  return isObject(labels)
    ? entriesOf(labels)
        .map(([key, value]) => `${key}=${plainText(value)}`)
        .sort()
        .join(",")
    : "";
}

/** A LabelSelector as text. */
function selectorText(selector: Json | undefined): string {
  const expressions = member(selector, "matchExpressions");
  const said = (isList(expressions) ? expressions : []).map((item) => {
    const key = textAt(item, "key");
    const values = member(item, "values");
    const listed = `(${isList(values) ? values.map(plainText).join(",") : ""})`;
    switch (textAt(item, "operator")) {
      case "In":
        return `${key} in ${listed}`;
      case "NotIn":
        return `${key} notin ${listed}`;
      case "DoesNotExist":
        return `!${key}`;
      default:
        return key;
    }
  });
  return orNone([labelsText(member(selector, "matchLabels")), ...said].filter((part) => part !== "").join(","));
}

function names(object: JsonObject, field: string, ...path: readonly string[]): string {
  return listAt(object, ...path)
    .map((item) => textAt(item, field))
    .join(",");
}

const templatePath = ["spec", "template", "spec", "containers"] as const;
const containersColumn = wideColumn("Containers", (object) => names(object, "name", ...templatePath));
const imagesColumn = wideColumn("Images", (object) => names(object, "image", ...templatePath));
const selectorColumn = wideColumn("Selector", (object) => selectorText(memberAt(object, "spec", "selector")));
const wideTemplate = [containersColumn, imagesColumn, selectorColumn];

function portsText(object: JsonObject): string {
  const ports = listAt(object, "spec", "ports").map((port) => {
    const number = plainText(member(port, "port"));
    const nodePort = member(port, "nodePort");
    const protocol = textAt(port, "protocol") || "TCP";
    return typeof nodePort === "number" && nodePort > 0 ? `${number}:${nodePort}/${protocol}` : `${number}/${protocol}`;
  });
  return orNone(ports.join(","));
}

function externalAddress(object: JsonObject): string {
  const external = listAt(object, "spec", "externalIPs").map(plainText);
  switch (textAt(object, "spec", "type")) {
    case "ExternalName":
      return textAt(object, "spec", "externalName");
    case "LoadBalancer": {
      const given = listAt(object, "status", "loadBalancer", "ingress").map((item) => textAt(item, "ip") || textAt(item, "hostname"));
      const all = [...given, ...external];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return orNone(external.join(","));
  }
}

function readyText(object: JsonObject): string {
  return `${numberAt(object, "status", "readyReplicas")}/${replicasOf(object)}`;
}

function replicasOf(object: JsonObject): number {
  const replicas = memberAt(object, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
}

function podStatus(object: JsonObject): string {
  const waiting = listAt(object, "status", "containerStatuses").map((status) => textAt(status, "state", "waiting", "reason"));
  const reason = textAt(object, "status", "reason") || waiting.find((text) => text !== "") || textAt(object, "status", "phase");
  return textAt(object, "metadata", "deletionTimestamp") === "" ? reason : "Terminating";
}

function podReady(object: JsonObject): string {
  const statuses = listAt(object, "status", "containerStatuses");
  return `${statuses.filter((status) => member(status, "ready") === true).length}/${listAt(object, "spec", "containers").length}`;
}

function podRestarts(object: JsonObject): number {
  let count = 0;
  for (const status of listAt(object, "status", "containerStatuses")) count += isObject(status) ? numberAt(status, "restartCount") : 0;
  return count;
}

/** Up to three, as Kubernetes. */
function some(items: readonly string[]): string {
  if (items.length === 0) return NONE;
  return items.length > 3 ? `${items.slice(0, 3).join(",")} + ${items.length - 3} more...` : items.join(",");
}

function endpointsText(object: JsonObject): string {
  const all = listAt(object, "subsets").flatMap((subset) => {
    const addresses = member(subset, "addresses");
    const ports = member(subset, "ports");
    return (isList(addresses) ? addresses : []).flatMap((address) => {
      const host = textAt(address, "ip");
      const hosts = host.includes(":") ? `[${host}]` : host;
      if (!isList(ports) || ports.length === 0) return [host];
      return ports.map((port) => `${hosts}:${plainText(member(port, "port"))}`);
    });
  });
  return some(all);
}

function ingressHosts(object: JsonObject): string {
  const hosts = listAt(object, "spec", "rules")
    .map((rule) => textAt(rule, "host"))
    .filter((host) => host !== "");
  return hosts.length === 0 ? "*" : some(hosts);
}

function ingressAddress(object: JsonObject): string {
  return listAt(object, "status", "loadBalancer", "ingress")
    .map((item) => textAt(item, "ip") || textAt(item, "hostname"))
    .join(",");
}

function nodeStatus(object: JsonObject): string {
  const ready = listAt(object, "status", "conditions").find((item) => textAt(item, "type") === "Ready");
  const status = ready === undefined ? "Unknown" : textAt(ready, "status") === "True" ? "Ready" : "NotReady";
  return memberAt(object, "spec", "unschedulable") === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(object: JsonObject): string {
  const labels = memberAt(object, "metadata", "labels");
  const prefix = "node-role.kubernetes.io/";
  const roles = isObject(labels) ? Object.keys(labels).filter((key) => key.startsWith(prefix)) : [];
  return orNone(
    roles
      .map((key) => key.slice(prefix.length))
      .sort()
      .join(","),
  );
}

function nodeAddress(type: string): Column["cell"] {
  return (object) =>
    orNone(
      textAt(
        listAt(object, "status", "addresses").find((item) => textAt(item, "type") === type),
        "address",
      ),
    );
}

function nodeInfo(name: string): Column["cell"] {
  return (object) => textAt(object, "status", "nodeInfo", name) || "<unknown>";
}

function eventObject(object: JsonObject): string {
  return `${textAt(object, "involvedObject", "kind").toLowerCase()}/${textAt(object, "involvedObject", "name")}`;
}

function eventSeen(object: JsonObject): string {
  return textAt(object, "lastTimestamp") || textAt(object, "eventTime") || textAt(object, "metadata", "creationTimestamp");
}

const createdAt = textColumn("Created At", (object) => textAt(object, "metadata", "creationTimestamp"));
const roleColumn = textColumn("Role", (object) => `${textAt(object, "roleRef", "kind")}/${textAt(object, "roleRef", "name")}`);

const event: readonly Column[] = [
  textColumn("Last Seen", (object, nowMs) => ageOf(eventSeen(object), nowMs)),
  textColumn("Type", (object) => textAt(object, "type")),
  textColumn("Reason", (object) => textAt(object, "reason")),
  textColumn("Object", eventObject),
  wideColumn("Subobject", (object) => textAt(object, "involvedObject", "fieldPath")),
  wideColumn("Source", (object) => textAt(object, "source", "component") || textAt(object, "reportingComponent")),
  textColumn("Message", (object) => textAt(object, "message").trim()),
  wideColumn("First Seen", (object, nowMs) => ageOf(textAt(object, "firstTimestamp") || eventSeen(object), nowMs)),
  wideColumn("Count", (object) => String(numberAt(object, "count") || 1)),
  { ...nameColumn, priority: 1 },
];

/** What stands between Name and Age, and after Age in wide output. */
const BETWEEN: Readonly<Record<string, readonly [readonly Column[], readonly Column[]]>> = {
  Namespace: [[textColumn("Status", (object) => textAt(object, "status", "phase"))], []],
  ConfigMap: [[countColumn("Data", (object) => sizeAt(object, "data") + sizeAt(object, "binaryData"))], []],
  Secret: [[textColumn("Type", (object) => textAt(object, "type")), countColumn("Data", (object) => sizeAt(object, "data"))], []],
  ServiceAccount: [[countColumn("Secrets", (object) => listAt(object, "secrets").length)], []],
  Service: [
    [
      textColumn("Type", (object) => textAt(object, "spec", "type")),
      textColumn("Cluster-IP", (object) => orNone(textAt(object, "spec", "clusterIP"))),
      textColumn("External-IP", externalAddress),
      textColumn("Port(s)", portsText),
    ],
    [wideColumn("Selector", (object) => orNone(labelsText(memberAt(object, "spec", "selector"))))],
  ],
  Endpoints: [[textColumn("Endpoints", endpointsText)], []],
  EndpointSlice: [
    [
      textColumn("AddressType", (object) => textAt(object, "addressType")),
      textColumn("Ports", (object) => {
        const ports = listAt(object, "ports").map((port) => plainText(member(port, "port")));
        return ports.length === 0 ? UNSET : some(ports);
      }),
      textColumn("Endpoints", (object) => {
        const addresses = listAt(object, "endpoints").flatMap((item) => {
          const own = member(item, "addresses");
          return isList(own) ? own.map(plainText) : [];
        });
        return addresses.length === 0 ? UNSET : some(addresses);
      }),
    ],
    [],
  ],
  Pod: [
    [textColumn("Ready", podReady), textColumn("Status", podStatus), textColumn("Restarts", (object) => String(podRestarts(object)))],
    [
      wideColumn("IP", (object) => orNone(textAt(object, "status", "podIP"))),
      wideColumn("Node", (object) => orNone(textAt(object, "spec", "nodeName"))),
      wideColumn("Nominated Node", (object) => orNone(textAt(object, "status", "nominatedNodeName"))),
      wideColumn("Readiness Gates", (object) => (listAt(object, "spec", "readinessGates").length === 0 ? NONE : "0")),
    ],
  ],
  Node: [
    [textColumn("Status", nodeStatus), textColumn("Roles", nodeRoles)],
    [
      textColumn("Version", nodeInfo("kubeletVersion")),
      wideColumn("Internal-IP", nodeAddress("InternalIP")),
      wideColumn("External-IP", nodeAddress("ExternalIP")),
      wideColumn("OS-Image", nodeInfo("osImage")),
      wideColumn("Kernel-Version", nodeInfo("kernelVersion")),
      wideColumn("Container-Runtime", nodeInfo("containerRuntimeVersion")),
    ],
  ],
  Deployment: [
    [
      textColumn("Ready", readyText),
      countColumn("Up-to-date", (object) => numberAt(object, "status", "updatedReplicas")),
      countColumn("Available", (object) => numberAt(object, "status", "availableReplicas")),
    ],
    wideTemplate,
  ],
  StatefulSet: [[textColumn("Ready", readyText)], [containersColumn, imagesColumn]],
  ReplicaSet: [
    [
      countColumn("Desired", replicasOf),
      countColumn("Current", (object) => numberAt(object, "status", "replicas")),
      countColumn("Ready", (object) => numberAt(object, "status", "readyReplicas")),
    ],
    wideTemplate,
  ],
  ReplicationController: [
    [
      countColumn("Desired", replicasOf),
      countColumn("Current", (object) => numberAt(object, "status", "replicas")),
      countColumn("Ready", (object) => numberAt(object, "status", "readyReplicas")),
    ],
    [containersColumn, imagesColumn, wideColumn("Selector", (object) => orNone(labelsText(memberAt(object, "spec", "selector"))))],
  ],
  DaemonSet: [
    [
      countColumn("Desired", (object) => numberAt(object, "status", "desiredNumberScheduled")),
      countColumn("Current", (object) => numberAt(object, "status", "currentNumberScheduled")),
      countColumn("Ready", (object) => numberAt(object, "status", "numberReady")),
      countColumn("Up-to-date", (object) => numberAt(object, "status", "updatedNumberScheduled")),
      countColumn("Available", (object) => numberAt(object, "status", "numberAvailable")),
      textColumn("Node Selector", (object) => orNone(labelsText(memberAt(object, "spec", "template", "spec", "nodeSelector")))),
    ],
    wideTemplate,
  ],
  Job: [
    [
      textColumn("Status", (object) => (memberAt(object, "spec", "suspend") === true ? "Suspended" : "Running")),
      textColumn("Completions", (object) => `${numberAt(object, "status", "succeeded")}/${numberAt(object, "spec", "completions") || 1}`),
      textColumn("Duration", () => ""),
    ],
    wideTemplate,
  ],
  CronJob: [
    [
      textColumn("Schedule", (object) => textAt(object, "spec", "schedule")),
      textColumn("Timezone", (object) => orNone(textAt(object, "spec", "timeZone"))),
      textColumn("Suspend", (object) => (memberAt(object, "spec", "suspend") === true ? "True" : "False")),
      countColumn("Active", (object) => listAt(object, "status", "active").length),
      textColumn("Last Schedule", (object, nowMs) => {
        const last = textAt(object, "status", "lastScheduleTime");
        return last === "" ? NONE : ageOf(last, nowMs);
      }),
    ],
    [],
  ],
  HorizontalPodAutoscaler: [
    [
      textColumn(
        "Reference",
        (object) => `${textAt(object, "spec", "scaleTargetRef", "kind")}/${textAt(object, "spec", "scaleTargetRef", "name")}`,
      ),
      textColumn("Targets", () => "<unknown>"),
      textColumn("MinPods", (object) => plainText(memberAt(object, "spec", "minReplicas")) || UNSET),
      countColumn("MaxPods", (object) => numberAt(object, "spec", "maxReplicas")),
      countColumn("Replicas", (object) => numberAt(object, "status", "currentReplicas")),
    ],
    [],
  ],
  PodDisruptionBudget: [
    [
      textColumn("Min Available", (object) => plainText(memberAt(object, "spec", "minAvailable")) || "N/A"),
      textColumn("Max Unavailable", (object) => plainText(memberAt(object, "spec", "maxUnavailable")) || "N/A"),
      countColumn("Allowed Disruptions", (object) => numberAt(object, "status", "disruptionsAllowed")),
    ],
    [],
  ],
  Ingress: [
    [
      textColumn("Class", (object) => orNone(textAt(object, "spec", "ingressClassName"))),
      textColumn("Hosts", ingressHosts),
      textColumn("Address", ingressAddress),
      textColumn("Ports", (object) => (listAt(object, "spec", "tls").length > 0 ? "80, 443" : "80")),
    ],
    [],
  ],
  IngressClass: [
    [
      textColumn("Controller", (object) => textAt(object, "spec", "controller")),
      textColumn("Parameters", (object) => {
        const parameters = memberAt(object, "spec", "parameters");
        const group = textAt(parameters, "apiGroup");
        const kind = textAt(parameters, "kind");
        return parameters === undefined ? NONE : `${group === "" ? kind : `${kind}.${group}`}/${textAt(parameters, "name")}`;
      }),
    ],
    [],
  ],
  MutatingWebhookConfiguration: [[countColumn("Webhooks", (object) => listAt(object, "webhooks").length)], []],
  ValidatingWebhookConfiguration: [[countColumn("Webhooks", (object) => listAt(object, "webhooks").length)], []],
  RoleBinding: [[roleColumn], []],
  ClusterRoleBinding: [[roleColumn], []],
  NetworkPolicy: [[textColumn("Pod-Selector", (object) => selectorText(memberAt(object, "spec", "podSelector")))], []],
};

/** Of a kind that has no columns of its own: its name and age. */
export function kubernetesColumns(kind: string): readonly Column[] {
  if (kind === "Event") return event;
  if (kind === "CustomResourceDefinition" || kind === "Role" || kind === "ClusterRole") return [nameColumn, createdAt];
  const [between, wide] = (Object.hasOwn(BETWEEN, kind) ? BETWEEN[kind] : undefined) ?? [[], []];
  return [nameColumn, ...between, ageColumn, ...wide];
}
