// Listeners of the Gateway API: a Gateway's own, and those that a ListenerSet adds.
import { field, required, type Decoded } from "#api/declaration";
import { labelSelector } from "#api/kubernetes/label-selector";
import { choice, list, portNumber, structure, table, text } from "#api/structure";
import { annotationValue, groupName, hostname, kindName, secretReference, sectionName } from "./references.ts";

const listenerTls = structure("ListenerTLSConfig", {
  mode: field(choice(["Terminate", "Passthrough"]), "Whether TLS ends here; Terminate when it is left out"),
  certificateRefs: field(list(secretReference, { maxItems: 64 }), "Secrets with certificates and keys"),
  options: field(table(annotationValue, { maxProperties: 16 }), "Settings of the implementation's own"),
});
export type ListenerTls = Decoded<typeof listenerTls>;

const allowedRoutes = structure("AllowedRoutes", {
  namespaces: field(
    structure("RouteNamespaces", {
      from: field(choice(["All", "Selector", "Same"]), "Whose routes may attach; Same when it is left out"),
      selector: field(labelSelector, "Labels of the namespaces, with Selector"),
    }),
    "Namespaces whose routes may attach",
  ),
  kinds: field(
    list(
      structure("RouteGroupKind", {
        group: field(groupName, "The API group; gateway.networking.k8s.io when it is left out"),
        kind: required(kindName, "The kind"),
      }),
      { maxItems: 8 },
    ),
    "Kinds of routes that may attach; by protocol when it is left out",
  ),
});

const protocol = text({
  minLength: 1,
  maxLength: 255,
  pattern: "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$",
  says: "HTTP, HTTPS, TLS, TCP, UDP or a domain and a name",
});

const commonFields = {
  name: required(sectionName, "The listener's name, once in its Gateway"),
  hostname: field(hostname, "The host of its requests; any when it is left out"),
  protocol: required(protocol, "HTTP, HTTPS, TLS, TCP or UDP"),
  tls: field(listenerTls, "Certificates and mode, for HTTPS and TLS"),
  allowedRoutes: field(allowedRoutes, "Routes that may attach"),
};

export const listener = structure("Listener", { ...commonFields, port: required(portNumber, "The port") });
/** A listener of the experimental XListenerSet may leave the port to the implementation. */
export const listenerEntry = structure("ListenerEntry", { ...commonFields, port: field(portNumber, "The port") });
export type Listener = Decoded<typeof listenerEntry>;

export const listenerLimits = { minItems: 1, maxItems: 64, listKeys: ["name"] };

export const allowedListeners = structure("AllowedListeners", {
  namespaces: field(
    structure("ListenerNamespaces", {
      from: field(choice(["All", "Selector", "Same", "None"]), "Whose ListenerSets may attach; None when it is left out"),
      selector: field(labelSelector, "Labels of the namespaces, with Selector"),
    }),
    "Namespaces whose ListenerSets may attach",
  ),
});

const addressType = text({
  minLength: 1,
  maxLength: 253,
  pattern:
    "^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
  says: "IPAddress, Hostname, NamedAddress or a domain and a path",
});

export const gatewayAddress = structure("GatewaySpecAddress", {
  type: field(addressType, "What the value is; IPAddress when it is left out"),
  value: field(text({ maxLength: 253 }), "The address; chosen by the implementation when it is left out"),
});
