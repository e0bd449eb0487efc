// Gateway of the Gateway API, ListenerSet, and the experimental XListenerSet.
import { field, required, type Decoded } from "#api/declaration";
import { choice, list, portNumber, structure, table } from "#api/structure";
import { allowedListeners, gatewayAddress, listener, listenerEntry, listenerLimits } from "./listener.ts";
import {
  annotationValue,
  groupName,
  kindName,
  labelValue,
  localObjectReference,
  namespaceName,
  objectName,
  objectReference,
  secretReference,
} from "./references.ts";

const frontendTls = structure("TLSConfig", {
  validation: field(
    structure("FrontendTLSValidation", {
      caCertificateRefs: required(list(objectReference, { minItems: 1, maxItems: 16 }), "Whose certificates clients must have"),
      mode: field(
        choice(["AllowValidOnly", "AllowInsecureFallback"]),
        "Whether clients without a valid certificate are refused; AllowValidOnly when it is left out",
      ),
    }),
    "How client certificates are checked",
  ),
});

const gatewayTls = structure("GatewayTLSConfig", {
  backend: field(
    structure("GatewayBackendTLS", { clientCertificateRef: field(secretReference, "The certificate shown to backends") }),
    "TLS to backends",
  ),
  frontend: field(
    structure("FrontendTLSConfig", {
      default: required(frontendTls, "For every port"),
      perPort: field(
        list(
          structure("TLSPortConfig", {
            port: required(portNumber, "The port"),
            tls: required(frontendTls, "For this port"),
          }),
          { maxItems: 64, listKeys: ["port"] },
        ),
        "For single ports",
      ),
    }),
    "TLS of clients",
  ),
});

const infrastructure = structure("GatewayInfrastructure", {
  labels: field(table(labelValue, { maxProperties: 8 }), "Labels of what is made for the Gateway"),
  annotations: field(table(annotationValue, { maxProperties: 16 }), "Annotations of what is made for the Gateway"),
  parametersRef: field(localObjectReference, "An object with settings of the Gateway"),
});

export const kubernetesGateway = structure("Gateway", {
  gatewayClassName: required(objectName, "The GatewayClass: who serves it"),
  listeners: required(list(listener, listenerLimits), "Ports, protocols and hosts"),
  addresses: field(list(gatewayAddress, { maxItems: 16 }), "Addresses that are asked for"),
  infrastructure: field(infrastructure, "What is made for the Gateway"),
  allowedListeners: field(allowedListeners, "ListenerSets that may attach"),
  tls: field(gatewayTls, "TLS of clients and to backends"),
  defaultScope: field(choice(["All", "None"]), "Whether routes without a parent attach to it"),
});
export type KubernetesGatewaySpec = Decoded<typeof kubernetesGateway>;

const parentGateway = structure("ParentGatewayReference", {
  group: field(groupName, "The API group; gateway.networking.k8s.io when it is left out"),
  kind: field(kindName, "The kind; Gateway when it is left out"),
  name: required(objectName, "The Gateway's name"),
  namespace: field(namespaceName, "The Gateway's namespace; the own one when it is left out"),
});

export const listenerSet = structure("ListenerSet", {
  parentRef: required(parentGateway, "The Gateway that gets the listeners"),
  listeners: required(list(listener, listenerLimits), "Ports, protocols and hosts"),
});
export type ListenerSetSpec = Decoded<typeof listenerSet>;

export const xListenerSet = structure("XListenerSet", {
  parentRef: required(parentGateway, "The Gateway that gets the listeners"),
  listeners: required(list(listenerEntry, listenerLimits), "Ports, protocols and hosts"),
});
