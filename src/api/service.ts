// Service: Kubernetes' own kind. Its defaults are Kubernetes': protocol TCP, target port the same as the port.
import {
  bool,
  enumeration,
  field,
  int32,
  intOrString,
  json,
  map,
  message,
  repeated,
  required,
  string,
  type Decoded,
} from "./declaration.ts";

export const servicePort = message("ServicePort", {
  name: field(string, "A name, needed when there are several ports; its prefix tells the protocol"),
  protocol: field(enumeration(["TCP", "UDP", "SCTP"]), "The transport; TCP when it is left out"),
  appProtocol: field(string, "The protocol above it, stronger than the prefix of the name"),
  port: required(int32, "The port that callers use"),
  targetPort: field(intOrString, "The workload's port, by number or name; the same as port when it is left out"),
  nodePort: field(int32, "The port on every node"),
});
export type ServicePort = Decoded<typeof servicePort>;

export const service = message("Service", {
  type: field(enumeration(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]), "How the service is reached from outside"),
  selector: field(map(string), "Labels of its workloads"),
  ports: field(repeated(servicePort), "Its ports"),
  clusterIP: field(string, "Its virtual address; None for a headless one"),
  clusterIPs: field(repeated(string), "Its virtual addresses"),
  externalName: field(string, "The name that an ExternalName service stands for"),
  externalIPs: field(repeated(string), "Addresses outside the cluster that lead to it"),
  loadBalancerIP: field(string, "The address asked of the load balancer"),
  loadBalancerClass: field(string, "The load balancer's implementation"),
  loadBalancerSourceRanges: field(repeated(string), "Networks that may use the load balancer"),
  allocateLoadBalancerNodePorts: field(bool, "Whether the load balancer uses node ports"),
  externalTrafficPolicy: field(enumeration(["Cluster", "Local"]), "Where traffic from outside may go"),
  internalTrafficPolicy: field(enumeration(["Cluster", "Local"]), "Where traffic from inside may go"),
  trafficDistribution: field(string, "Which endpoints are preferred"),
  healthCheckNodePort: field(int32, "The port of the node's health check"),
  publishNotReadyAddresses: field(bool, "Whether instances that are not ready are endpoints"),
  sessionAffinity: field(enumeration(["None", "ClientIP"]), "Whether a caller stays with an endpoint"),
  sessionAffinityConfig: field(json, "Settings of the affinity"),
  ipFamilies: field(repeated(enumeration(["IPv4", "IPv6"])), "Address families in order"),
  ipFamilyPolicy: field(enumeration(["SingleStack", "PreferDualStack", "RequireDualStack"]), "Whether both families are needed"),
});
export type ServiceSpec = Decoded<typeof service>;
