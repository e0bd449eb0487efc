// ServiceEntry: a service that no platform declares, outside or inside the mesh.
import { enumeration, field, limited, message, repeated, required, string, uint32, type Decoded } from "./declaration.ts";
import { labelsSelector } from "./selector.ts";
import { workloadEndpoint } from "./workload-entry.ts";

const portNumber = limited(uint32, { rules: [{ rule: "0 < self && self <= 65535", message: "port must be between 1-65535" }] });

const servicePort = message("ServicePort", {
  number: required(portNumber, "The port that callers use"),
  protocol: field(
    limited(string, { maxLength: 256 }),
    "HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS, ...; found out where it is not written",
  ),
  name: required(limited(string, { maxLength: 256 }), "A name, unique within the ServiceEntry"),
  targetPort: field(portNumber, "The port at the endpoints, where it is another"),
});
export type ServicePort = Decoded<typeof servicePort>;

export const serviceEntry = limited(
  message("ServiceEntry", {
    hosts: required(
      limited(repeated(limited(string, { rules: [{ rule: 'self != "*"', message: "hostname cannot be wildcard" }] })), {
        minItems: 1,
        maxItems: 256,
      }),
      "Names that callers use",
    ),
    addresses: field(limited(repeated(limited(string, { maxLength: 64 })), { maxItems: 256 }), "Addresses and networks of the service"),
    ports: field(
      limited(repeated(servicePort), {
        maxItems: 256,
        listKeys: ["name"],
        rules: [{ rule: "self.all(l1, self.exists_one(l2, l1.number == l2.number))", message: "port number cannot be duplicated" }],
      }),
      "Ports of the service",
    ),
    location: field(enumeration(["MESH_EXTERNAL", "MESH_INTERNAL"]), "Whether its endpoints are part of the mesh"),
    resolution: field(enumeration(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]), "How the endpoints' addresses are found"),
    endpoints: field(limited(repeated(workloadEndpoint), { maxItems: 4096 }), "Endpoints, in place"),
    workloadSelector: field(labelsSelector, "Labels of the WorkloadEntries and Pods that are its endpoints"),
    exportTo: field(repeated(string), "Namespaces that see it: . its own, * all, ~ none"),
    subjectAltNames: field(repeated(string), "Names of which the endpoints' certificates must bear one"),
  }),
  {
    rules: [
      {
        rule: "(has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1",
        message: "only one of WorkloadSelector or Endpoints can be set",
      },
      {
        rule: '!((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))',
        message: "CIDR addresses are allowed only for NONE/STATIC resolution types",
      },
      {
        rule: '((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? !has(self.endpoints) : true',
        message: "NONE mode cannot set endpoints",
      },
      {
        rule: '((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true',
        message: "DNS_ROUND_ROBIN mode cannot have multiple endpoints",
      },
    ],
  },
);
export type ServiceEntrySpec = Decoded<typeof serviceEntry>;
