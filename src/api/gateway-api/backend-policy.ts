// BackendTLSPolicy, and the experimental XBackendTrafficPolicy and XBackend.
import { field, required, type Decoded } from "#api/declaration";
import { choice, list, portNumber, structure, table, text, whole } from "#api/structure";
import {
  annotationValue,
  gatewayApiDuration,
  hostname,
  labelValue,
  localObjectReference,
  policyTargetFields,
  preciseHostname,
  secretReference,
  sectionName,
} from "./references.ts";
import { sessionPersistence } from "./route.ts";

const subjectAltName = structure("SubjectAltName", {
  type: required(choice(["Hostname", "URI"]), "What it is"),
  hostname: field(hostname, "The host, with Hostname"),
  uri: field(
    text({
      minLength: 1,
      maxLength: 253,
      pattern: "^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?",
      says: "a URI with scheme and host",
    }),
    "The URI, with URI",
  ),
});

const backendTlsValidation = structure("BackendTLSPolicyValidation", {
  hostname: required(preciseHostname, "The server name that is sent, and that the certificate must have"),
  caCertificateRefs: field(list(localObjectReference, { maxItems: 8 }), "ConfigMaps with the authorities' certificates"),
  wellKnownCACertificates: field(
    text({
      minLength: 1,
      maxLength: 253,
      pattern:
        "^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$",
      says: "System, or a domain and a name",
    }),
    "Authorities by name: System",
  ),
  subjectAltNames: field(list(subjectAltName, { maxItems: 5 }), "Names of which the certificate must have one"),
});
export type BackendTlsValidation = Decoded<typeof backendTlsValidation>;

export const backendTlsPolicy = structure("BackendTLSPolicy", {
  targetRefs: required(
    list(
      structure("PolicyTargetReference", {
        ...policyTargetFields,
        sectionName: field(sectionName, "One of its ports, by name"),
      }),
      { minItems: 1, maxItems: 16 },
    ),
    "Services it is for",
  ),
  validation: required(backendTlsValidation, "How the backend's certificate is checked"),
  options: field(table(annotationValue, { maxProperties: 16 }), "Settings of the implementation's own"),
});
export type BackendTlsPolicySpec = Decoded<typeof backendTlsPolicy>;

export const xBackendTrafficPolicy = structure("XBackendTrafficPolicy", {
  targetRefs: required(
    list(structure("LocalPolicyTargetReference", policyTargetFields), { minItems: 1, maxItems: 16, listKeys: ["group", "kind", "name"] }),
    "Services it is for",
  ),
  retryConstraint: field(
    structure("RetryConstraint", {
      budget: field(
        structure("BudgetDetails", {
          percent: field(whole(0, 100), "The share of requests that may be retries; 20 when it is left out"),
          interval: field(gatewayApiDuration, "The time over which it is counted; 10s when it is left out"),
        }),
        "How many retries there may be",
      ),
      minRetryRate: field(
        structure("RequestRate", {
          count: field(whole(1, 1_000_000), "How many"),
          interval: field(gatewayApiDuration, "In which time"),
        }),
        "Retries that are always allowed",
      ),
    }),
    "Bounds retries",
  ),
  sessionPersistence: field(sessionPersistence, "Keeps a caller with one endpoint"),
});
export type XBackendTrafficPolicySpec = Decoded<typeof xBackendTrafficPolicy>;

/** Its port is written {port: 443} in the releases and {number: 443} after them; both are read. */
export const xBackend = structure("XBackend", {
  type: required(choice(["ExternalHostname", "EndpointSelector"]), "What kind of backend it is"),
  externalHostname: field(
    structure("ExternalHostnameBackend", { hostname: required(preciseHostname, "The host") }),
    "A host outside the cluster, with ExternalHostname",
  ),
  endpointSelector: field(
    structure("EndpointSelectorBackend", {
      matchLabels: required(table(labelValue, { minProperties: 1, maxProperties: 64 }), "Labels of its pods"),
    }),
    "Pods, with EndpointSelector",
  ),
  port: required(
    structure(
      "BackendPort",
      {
        name: field(text({ maxLength: 63 }), "The port's name"),
        port: field(portNumber, "The port"),
        number: field(portNumber, "The port"),
      },
      { minProperties: 1 },
    ),
    "The port that is connected to",
  ),
  protocol: field(
    choice(["TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP", "GRPC", "WSS"]),
    "What is spoken there; as the route says when it is left out",
  ),
  tls: field(
    structure("BackendTLS", {
      mode: required(choice(["None", "ServerOnly", "ClientAndServer"]), "Who shows a certificate"),
      clientCertificateRef: field(secretReference, "The certificate that is shown, with ClientAndServer"),
      validation: field(backendTlsValidation, "How the backend's certificate is checked"),
    }),
    "TLS to the backend",
  ),
});
export type XBackendSpec = Decoded<typeof xBackend>;
