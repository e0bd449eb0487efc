// Services, endpoints and callers in a few words, for the tests of clusters and endpoints.
import { keyOf } from "#api/object";
import { object } from "#control-plane/mesh/testing";
import type { Service, ServiceEndpoint, ServicePort } from "#control-plane/registry/service";
import type { Caller } from "./caller.ts";
import type { Topology } from "#control-plane/generate/endpoint/topology";

export const HTTP_PORT: ServicePort = { name: "http", number: 80, protocol: "HTTP", targetPort: 8080 };

export function serviceOf(over: Partial<Service> = {}): Service {
  return {
    hostname: "web.default.svc.cluster.local",
    name: "web",
    namespace: "default",
    ports: [HTTP_PORT],
    addresses: ["10.0.0.1"],
    autoAllocatedAddresses: [],
    aliases: [],
    resolution: "EDS",
    alias: undefined,
    headless: false,
    selector: { app: "web" },
    labels: {},
    creationTimestamp: "2026-01-01T00:00:00Z",
    exportTo: [],
    source: "Service",
    object: keyOf(object("Service", "web", {})),
    external: false,
    trafficDistribution: undefined,
    nodeLocal: false,
    publishNotReadyAddresses: false,
    subjectAltNames: [],
    serviceAccounts: [],
    ...over,
  };
}

export function endpointOf(over: Partial<ServiceEndpoint> = {}): ServiceEndpoint {
  return {
    address: "10.1.0.1",
    port: 8080,
    servicePort: 80,
    labels: {},
    locality: "",
    weight: 1,
    health: "HEALTHY",
    namespace: "default",
    workload: "web-1",
    serviceAccount: "web",
    network: "",
    clusterId: "Kubernetes",
    tlsMode: "disabled",
    nodeName: "",
    hostname: "",
    subdomain: "",
    ...over,
  };
}

export function callerWith(over: Partial<Caller> = {}): Caller {
  return {
    type: "sidecar",
    families: "v4",
    metadataExchange: false,
    preservesHeaderCase: false,
    bufferLimitBytes: undefined,
    knowsOriginalDestination: true,
    fileReader: "agent",
    certificateFiles: undefined,
    ...over,
  };
}

export function placeWith(over: Partial<Topology> = {}): Topology {
  return { locality: "", network: "", clusterId: "Kubernetes", nodeName: "", labels: {}, ...over };
}
