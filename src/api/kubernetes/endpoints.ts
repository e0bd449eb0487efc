// Endpoints and EndpointSlice: where a Service's instances are.
import { bool, field, json, required, string, type Decoded } from "#api/declaration";
import { choice, list, stringMap, strings, structure, whole } from "#api/structure";

const objectReference = structure("ObjectReference", {
  kind: field(string, "Its kind"),
  namespace: field(string, "Its namespace"),
  name: field(string, "Its name"),
  uid: field(string, "Its id"),
  apiVersion: field(string, "Its API version"),
  resourceVersion: field(string, "Its version in the store"),
  fieldPath: field(string, "A part of it"),
});

const protocol = field(choice(["TCP", "UDP", "SCTP"]), "TCP when it is left out");
const appProtocol = field(string, "The protocol above it");

const address = structure("EndpointAddress", {
  ip: required(string, "The address"),
  hostname: field(string, "Its host name"),
  nodeName: field(string, "Its node"),
  targetRef: field(objectReference, "The pod"),
});

export const endpoints = structure("Endpoints", {
  subsets: field(
    list(
      structure("EndpointSubset", {
        addresses: field(list(address), "Instances that are ready"),
        notReadyAddresses: field(list(address), "Instances that are not"),
        ports: field(
          list(
            structure("EndpointPort", {
              name: field(string, "The Service's name of it"),
              port: required(whole(1, 65_535), "The port"),
              protocol,
              appProtocol,
            }),
          ),
          "Their ports",
        ),
      }),
    ),
    "Instances with the same ports",
  ),
});
export type EndpointsSpec = Decoded<typeof endpoints>;

export const endpointSlice = structure("EndpointSlice", {
  addressType: required(choice(["IPv4", "IPv6", "FQDN"]), "What the addresses are"),
  endpoints: field(
    list(
      structure("Endpoint", {
        addresses: required(strings, "Its addresses"),
        conditions: field(
          structure("EndpointConditions", {
            ready: field(bool, "Whether it takes requests"),
            serving: field(bool, "Whether it could take requests"),
            terminating: field(bool, "Whether it is going"),
          }),
          "How it is",
        ),
        hostname: field(string, "Its host name"),
        targetRef: field(objectReference, "The pod"),
        deprecatedTopology: field(stringMap, "Where it is, in old versions"),
        nodeName: field(string, "Its node"),
        zone: field(string, "Its zone"),
        hints: field(json, "Who should use it"),
      }),
    ),
    "The instances",
  ),
  ports: field(
    list(
      structure("EndpointPort", {
        name: field(string, "The Service's name of it"),
        protocol,
        port: field(whole(1, 65_535), "The port; any when it is left out"),
        appProtocol,
      }),
    ),
    "Their ports",
  ),
});
export type EndpointSliceSpec = Decoded<typeof endpointSlice>;
