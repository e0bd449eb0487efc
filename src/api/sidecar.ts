// Sidecar: what the proxies of some workloads listen to and can reach.
import { enumeration, field, message, repeated, required, string, uint32, type Decoded } from "./declaration.ts";
import { connectionPoolSettings } from "./destination-rule/connection-pool.ts";
import { serverTlsSettings } from "./gateway.ts";
import { labelsSelector } from "./selector.ts";
import { destination } from "./virtual-service/destination.ts";

const sidecarPort = message("SidecarPort", {
  number: field(uint32, "The port's number; 0 for a unix socket"),
  protocol: field(string, "HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS, ..."),
  name: field(string, "A name"),
  targetPort: field(uint32, "Not used by Istio"),
});
export type SidecarPort = Decoded<typeof sidecarPort>;

const captureMode = enumeration(["DEFAULT", "IPTABLES", "NONE"]);

const ingressListener = message("IstioIngressListener", {
  port: required(sidecarPort, "Where it listens"),
  bind: field(string, "The address where it listens; without it the workload's own"),
  captureMode: field(captureMode, "How traffic gets to the listener"),
  defaultEndpoint: field(string, "Where the application is: 127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT or unix:///PATH"),
  tls: field(serverTlsSettings, "TLS at this port"),
  connectionPool: field(connectionPoolSettings, "Limits of connections to the application at this port"),
});
export type IngressListener = Decoded<typeof ingressListener>;

const egressListener = message("IstioEgressListener", {
  port: field(sidecarPort, "Where it listens; without it at the ports of all hosts"),
  bind: field(string, "The address where it listens, or unix:///PATH"),
  captureMode: field(captureMode, "How traffic gets to the listener"),
  hosts: required(repeated(string), "What can be reached: namespace/host; . is the own namespace, * any"),
});
export type EgressListener = Decoded<typeof egressListener>;

const outboundTrafficPolicy = message("OutboundTrafficPolicy", {
  mode: field(enumeration(["REGISTRY_ONLY", "ALLOW_ANY"]), "Whether unknown hosts may be called"),
  egressProxy: field(destination, "Where calls of unknown hosts go"),
});

export const sidecar = message("Sidecar", {
  workloadSelector: field(labelsSelector, "Workloads that it is for; without any all of the namespace"),
  ingress: field(repeated(ingressListener), "What is listened to on behalf of the application; without any what its services say"),
  egress: field(repeated(egressListener), "What the application can reach; without any everything"),
  inboundConnectionPool: field(connectionPoolSettings, "Limits of connections to the application"),
  outboundTrafficPolicy: field(outboundTrafficPolicy, "What happens to calls of hosts that nobody declared"),
});
export type SidecarSpec = Decoded<typeof sidecar>;
