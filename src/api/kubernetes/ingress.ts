// Ingress and IngressClass.
import { field, required, string, type Decoded } from "#api/declaration";
import { choice, list, strings, structure, whole } from "#api/structure";

const typedReference = structure("TypedLocalObjectReference", {
  apiGroup: field(string, "Its API group"),
  kind: required(string, "Its kind"),
  name: required(string, "Its name"),
});

const backend = structure("IngressBackend", {
  service: field(
    structure("IngressServiceBackend", {
      name: required(string, "The Service"),
      port: field(
        structure("ServiceBackendPort", {
          name: field(string, "Its port, by name"),
          number: field(whole(0, 65_535), "Its port, by number"),
        }),
        "Its port",
      ),
    }),
    "A Service",
  ),
  resource: field(typedReference, "Something else"),
});

export const ingress = structure("Ingress", {
  ingressClassName: field(string, "The IngressClass: who serves it"),
  defaultBackend: field(backend, "Who answers what no rule matches"),
  tls: field(
    list(
      structure("IngressTLS", {
        hosts: field(strings, "Hosts of the certificate"),
        secretName: field(string, "The Secret of the certificate"),
      }),
    ),
    "Certificates",
  ),
  rules: field(
    list(
      structure("IngressRule", {
        host: field(string, "The host; any when it is left out"),
        http: field(
          structure("HTTPIngressRuleValue", {
            paths: required(
              list(
                structure("HTTPIngressPath", {
                  path: field(string, "The path"),
                  pathType: required(choice(["Exact", "Prefix", "ImplementationSpecific"]), "How the path is compared"),
                  backend: required(backend, "Who answers"),
                }),
              ),
              "Paths",
            ),
          }),
          "Paths of the host",
        ),
      }),
    ),
    "Who answers what",
  ),
});
export type IngressSpec = Decoded<typeof ingress>;

export const ingressClass = structure("IngressClass", {
  controller: field(string, "Who serves Ingresses of this class"),
  parameters: field(
    structure("IngressClassParametersReference", {
      apiGroup: field(string, "Its API group"),
      kind: required(string, "Its kind"),
      name: required(string, "Its name"),
      scope: field(string, "Namespace or Cluster"),
      namespace: field(string, "Its namespace"),
    }),
    "An object with settings of the class",
  ),
});
