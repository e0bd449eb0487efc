// One small case for every message that an analyzer gives, and for each a near one that gives none.
import assert from "node:assert/strict";
import test from "node:test";
import { ALL_ANALYZERS, DEFAULT_ANALYZERS } from "./analyzers.ts";
import { MESSAGES } from "./messages.ts";
import { analyzeYaml, type AnalyzeYaml } from "./testing.ts";

const GATEWAY_POD =
  "{apiVersion: v1, kind: Pod, metadata: {name: gw, namespace: default, labels: {istio: gw}}, spec: {containers: [{name: istio-proxy, image: x}]}}";
const SERVICE =
  "{apiVersion: v1, kind: Service, metadata: {name: reviews}, spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}}";
const POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: reviews}}, spec: {containers: [{name: istio-proxy, image: x}]}}";

/** An object of Istio's in one line. */
function istio(kind: string, name: string, spec: string, group = "networking.istio.io/v1", meta = ""): string {
  return `{apiVersion: ${group}, kind: ${kind}, metadata: {name: ${name}${meta}}, spec: ${spec}}`;
}

const virtualService = (spec: string, name = "vs"): string => istio("VirtualService", name, spec);
const gateway = (spec: string, name = "gateway"): string => istio("Gateway", name, spec);
const policy = (kind: string, spec: string, name = "policy"): string =>
  istio(kind, name, spec, kind === "Telemetry" ? "telemetry.istio.io/v1" : "security.istio.io/v1");
const server = (more = ""): string => `{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com]${more}}`;
const envoyFilter = (patches: string, name = "filter"): string =>
  istio("EnvoyFilter", name, `{configPatches: [${patches}]}`, "networking.istio.io/v1alpha3");
const namespace = (name: string, labels: string): string =>
  `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}, labels: {${labels}}}}`;
const deployment = (name: string, spec: string, labels = ""): string =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}, labels: {${labels}}}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a, sidecar.istio.io/inject: "true"}}, spec: ${spec}}}}`;
const webhooks = (kind: string, name: string, hooks: string): string =>
  `{apiVersion: admissionregistration.k8s.io/v1, kind: ${kind}, metadata: {name: ${name}}, webhooks: [${hooks}]}`;
const hook = (name: string, client: string): string =>
  `{name: ${name}, clientConfig: ${client}, sideEffects: None, admissionReviewVersions: [v1]}`;
const crd = (name: string, group: string, kind: string, annotations = ""): string =>
  `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ${name}, annotations: {${annotations}}}, spec: {group: ${group}, names: {kind: ${kind}, plural: x}, scope: Namespaced, versions: []}}`;
const annotated = (annotation: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {${annotation}}}, spec: {containers: []}}`;
const injector = (values: string): string =>
  `{apiVersion: v1, kind: ConfigMap, metadata: {name: istio-sidecar-injector}, data: {values: '${values}'}}`;

interface Case {
  readonly yaml: readonly string[];
  /** Objects that get the message, in order. */
  readonly on: readonly string[];
  /** The same in order: no such message. */
  readonly fine?: readonly string[];
  readonly options?: AnalyzeYaml;
}

const lightstep: AnalyzeYaml = {
  meshConfig: { extensionProviders: [{ name: "ls", lightstep: { service: "a.b", port: 1 } }] },
};

const CASES: Partial<Record<keyof typeof MESSAGES, Case>> = {
  Deprecated: {
    yaml: [
      virtualService("{hosts: [a], http: [{fault: {delay: {percent: 5, fixedDelay: 1s}}, route: [{destination: {host: a}}]}]}"),
      crd("rbacconfigs.rbac.istio.io", "rbac.istio.io", "RbacConfig"),
      policy("Telemetry", "{tracing: [{providers: [{name: ls}]}]}"),
    ],
    on: ["CustomResourceDefinition rbacconfigs.rbac.istio.io", "Telemetry default/policy", "VirtualService default/vs"],
    options: lightstep,
  },
  ReferencedResourceNotFound: {
    yaml: [SERVICE, virtualService("{hosts: [a], gateways: [none], http: [{route: [{destination: {host: reviewz}}]}]}")],
    on: ["VirtualService default/vs", "VirtualService default/vs"],
    fine: [SERVICE, virtualService("{hosts: [a], http: [{route: [{destination: {host: reviews}}]}]}")],
  },
  NamespaceNotInjected: { yaml: [namespace("x", "")], on: ["Namespace x"], fine: [namespace("x", "istio-injection: disabled")] },
  PodMissingProxy: {
    yaml: [
      namespace("default", "istio-injection: enabled"),
      "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: b}]}}",
    ],
    on: ["Pod default/p"],
    fine: [namespace("default", "istio-injection: enabled"), POD],
  },
  SchemaValidationError: { yaml: [virtualService("{hosts: [a]}")], on: ["VirtualService default/vs"] },
  SchemaWarning: {
    yaml: [virtualService("{hosts: [10.1.1.1], tls: [{match: [{sniHosts: [10.1.1.1]}], route: [{destination: {host: a}}]}]}")],
    on: ["VirtualService default/vs"],
  },
  MisplacedAnnotation: {
    yaml: ["{apiVersion: v1, kind: Service, metadata: {name: s, annotations: {sidecar.istio.io/proxyCPU: 100m}}, spec: {ports: []}}"],
    on: ["Service default/s"],
  },
  UnknownAnnotation: { yaml: [annotated("foo.istio.io/bar: x")], on: ["Pod default/p"], fine: [annotated("example.com/bar: x")] },
  InvalidAnnotation: {
    yaml: [
      annotated(
        "sidecar.istio.io/proxyCPU: lots, traffic.sidecar.istio.io/includeInboundPorts: '80,x', proxy.istio.io/config: 'concurrency: many'",
      ),
    ],
    on: ["Pod default/p", "Pod default/p", "Pod default/p"],
    fine: [
      annotated(
        "sidecar.istio.io/proxyCPU: 100m, traffic.sidecar.istio.io/includeInboundPorts: '80, 81', proxy.istio.io/config: 'concurrency: 2'",
      ),
    ],
  },
  DeprecatedAnnotation: { yaml: [annotated("sidecar.istio.io/inject: 'true'")], on: ["Pod default/p"] },
  AlphaAnnotation: {
    yaml: [annotated("inject.istio.io/templates: x")],
    on: ["Pod default/p"],
    fine: [annotated("proxy.istio.io/config: '{}'")],
  },
  ConflictingMeshGatewayVirtualServiceHosts: {
    yaml: ["a", "b"].map((name) => virtualService("{hosts: [x.com], http: [{route: [{destination: {host: x.com}}]}]}", name)),
    on: ["VirtualService default/a", "VirtualService default/b"],
    fine: ["a", "b"].map((name) => virtualService(`{hosts: [${name}.com], http: [{route: [{destination: {host: x.com}}]}]}`, name)),
  },
  ConflictingSidecarWorkloadSelectors: {
    yaml: [POD, ...["a", "b"].map((name) => istio("Sidecar", name, "{workloadSelector: {labels: {app: reviews}}}"))],
    on: ["Sidecar default/a", "Sidecar default/b"],
    fine: [POD, istio("Sidecar", "a", "{workloadSelector: {labels: {app: reviews}}}")],
  },
  MultipleSidecarsWithoutWorkloadSelectors: {
    yaml: ["a", "b"].map((name) => istio("Sidecar", name, "{egress: [{hosts: ['*/*']}]}")),
    on: ["Sidecar default/a", "Sidecar default/b"],
  },
  VirtualServiceDestinationPortSelectorRequired: {
    yaml: [
      SERVICE.replace("[{name: http, port: 80}]", "[{name: http, port: 80}, {name: http-b, port: 81}]"),
      virtualService("{hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}"),
    ],
    on: ["VirtualService default/vs"],
  },
  DeploymentAssociatedToMultipleServices: {
    yaml: [
      deployment("d", "{containers: []}"),
      ...["TCP", "UDP"].map(
        (protocol) =>
          `{apiVersion: v1, kind: Service, metadata: {name: s-${protocol.toLowerCase()}}, spec: {selector: {app: a}, ports: [{port: 80, protocol: ${protocol}}]}}`,
      ),
    ],
    on: ["Deployment default/d"],
  },
  DeploymentConflictingPorts: {
    yaml: [
      deployment("d", "{containers: []}"),
      ...[80, 81].map(
        (port) =>
          `{apiVersion: v1, kind: Service, metadata: {name: s-${port}}, spec: {selector: {app: a}, ports: [{port: ${port}, targetPort: 8080}]}}`,
      ),
    ],
    on: ["Deployment default/d"],
  },
  PortNameIsNotUnderNamingConvention: {
    yaml: [SERVICE.replace("name: http", "name: foo")],
    on: ["Service default/reviews"],
    fine: [SERVICE],
  },
  ExternalNameServiceTypeInvalidPortName: {
    yaml: [
      "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: ExternalName, externalName: a.com, ports: [{name: tcp, port: 80}]}}",
    ],
    on: ["Service default/s"],
  },
  NamespaceMultipleInjectionLabels: { yaml: [namespace("x", "istio-injection: enabled, istio.io/rev: a")], on: ["Namespace x"] },
  NoMatchingWorkloadsFound: {
    yaml: [POD, policy("AuthorizationPolicy", "{selector: {matchLabels: {app: none}}}")],
    on: ["AuthorizationPolicy default/policy"],
    fine: [POD, policy("AuthorizationPolicy", "{selector: {matchLabels: {app: reviews}}}")],
  },
  NoServerCertificateVerificationDestinationLevel: {
    yaml: [istio("DestinationRule", "dr", "{host: a.com, trafficPolicy: {tls: {mode: SIMPLE}}}")],
    on: ["DestinationRule default/dr"],
    fine: [istio("DestinationRule", "dr", "{host: a.com, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /ca.pem}}}")],
  },
  NoServerCertificateVerificationPortLevel: {
    yaml: [istio("DestinationRule", "dr", "{host: a.com, trafficPolicy: {portLevelSettings: [{port: {number: 1}, tls: {mode: SIMPLE}}]}}")],
    on: ["DestinationRule default/dr"],
  },
  VirtualServiceUnreachableRule: {
    yaml: [
      virtualService(
        "{hosts: [a], http: [{route: [{destination: {host: a}}]}, {match: [{uri: {prefix: /a}}], route: [{destination: {host: a}}]}]}",
      ),
    ],
    on: ["VirtualService default/vs"],
  },
  VirtualServiceIneffectiveMatch: {
    yaml: [
      virtualService(
        "{hosts: [a], http: [{match: [{uri: {prefix: /a}}], route: [{destination: {host: a}}]}, {match: [{uri: {prefix: /ab}}], route: [{destination: {host: b}}]}]}",
      ),
    ],
    on: ["VirtualService default/vs"],
  },
  VirtualServiceHostNotFoundInGateway: {
    yaml: [
      gateway(`{selector: {a: b}, servers: [${server()}]}`),
      virtualService("{hosts: [b.com], gateways: [gateway], http: [{route: [{destination: {host: a}}]}]}"),
    ],
    on: ["VirtualService default/vs"],
    fine: [
      gateway(`{selector: {a: b}, servers: [${server()}]}`),
      virtualService("{hosts: ['*.com'], gateways: [gateway], http: [{route: [{destination: {host: a}}]}]}"),
    ],
  },
  ServiceEntryAddressesRequired: {
    yaml: [istio("ServiceEntry", "se", "{hosts: [a.com], ports: [{number: 1, name: tcp, protocol: TCP}], resolution: DNS}")],
    on: ["ServiceEntry default/se"],
    fine: [istio("ServiceEntry", "se", "{hosts: [a.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}")],
  },
  ConflictingServiceEntryProtocol: {
    yaml: ["HTTP", "TLS"].map((protocol) =>
      istio(
        "ServiceEntry",
        `se-${protocol.toLowerCase()}`,
        `{hosts: [a.com], ports: [{number: 80, name: p, protocol: ${protocol}}], resolution: DNS}`,
      ),
    ),
    on: ["ServiceEntry default/se-http", "ServiceEntry default/se-tls"],
  },
  GatewayDuplicateCertificate: {
    yaml: ["a", "b"].map((name) => gateway(`{selector: {a: b}, servers: [${server(", tls: {mode: SIMPLE, credentialName: c}")}]}`, name)),
    on: ["Gateway default/a", "Gateway default/b"],
  },
  ConflictingGateways: {
    yaml: [GATEWAY_POD, ...["a", "b"].map((name) => gateway(`{selector: {istio: gw}, servers: [${server()}]}`, name))],
    on: ["Gateway default/a", "Gateway default/b"],
  },
  InvalidGatewayCredential: {
    yaml: [
      GATEWAY_POD,
      gateway(`{selector: {istio: gw}, servers: [${server(", tls: {mode: SIMPLE, credentialName: c}")}]}`),
      "{apiVersion: v1, kind: Secret, metadata: {name: c}, stringData: {tls.crt: no, tls.key: no}}",
    ],
    on: ["Gateway default/gateway"],
  },
  GatewayPortNotDefinedOnService: {
    yaml: [GATEWAY_POD, gateway(`{selector: {istio: gw}, servers: [${server()}]}`)],
    on: ["Gateway default/gateway"],
    fine: [GATEWAY_POD, gateway(`{selector: {istio: gw}, servers: [${server()}]}`), SERVICE.replace("{app: reviews}", "{istio: gw}")],
  },
  InvalidWebhook: {
    yaml: [webhooks("MutatingWebhookConfiguration", "w", hook("a.istio.io", "{service: {namespace: istio-system, name: istiod}}"))],
    on: ["MutatingWebhookConfiguration w"],
  },
  InvalidExternalControlPlaneConfig: {
    yaml: [webhooks("MutatingWebhookConfiguration", "istio-sidecar-injector", hook("a.istio.io", "{}"))],
    on: ["MutatingWebhookConfiguration istio-sidecar-injector"],
  },
  ExternalControlPlaneAddressIsNotAHostname: {
    // Once for a configuration, however many webhooks it has.
    yaml: [
      webhooks(
        "ValidatingWebhookConfiguration",
        "istio-validator-x",
        ["a", "b"].map((name) => hook(`${name}.istio.io`, "{url: 'https://10.0.0.1/validate'}")).join(", "),
      ),
    ],
    on: ["ValidatingWebhookConfiguration istio-validator-x"],
    fine: [
      webhooks("ValidatingWebhookConfiguration", "istio-validator-x", hook("a.istio.io", "{url: 'https://istiod.example.com/validate'}")),
    ],
  },
  IngressRouteRulesNotAffected: {
    yaml: [
      virtualService("{hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v1}}]}]}", "a"),
      virtualService("{hosts: ['*'], gateways: [gw], http: [{route: [{destination: {host: reviews}}]}]}", "b"),
    ],
    on: ["VirtualService default/b"],
  },
  InvalidApplicationUID: {
    yaml: [deployment("d", "{containers: [{name: a, image: b, securityContext: {runAsUser: 1337}}]}")],
    on: ["Deployment default/d"],
    fine: [deployment("d", "{containers: [{name: istio-proxy, image: b, securityContext: {runAsUser: 1337}}]}")],
  },
  ImageAutoWithoutInjectionWarning: {
    yaml: [deployment("d", "{containers: [{name: istio-proxy, image: auto}]}")],
    on: ["Deployment default/d"],
  },
  ImageAutoWithoutInjectionError: { yaml: [POD.replace("image: x", "image: auto")], on: ["Pod default/p"], fine: [POD] },
  NamespaceInjectionEnabledByDefault: {
    yaml: [namespace("x", ""), injector('{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}')],
    on: ["Namespace x"],
  },
  PodsIstioProxyImageMismatchInNamespace: {
    yaml: [
      namespace("default", "istio-injection: enabled"),
      POD,
      injector('{"global": {"hub": "h", "tag": "1", "proxy": {"image": "proxyv2"}}}'),
    ],
    on: ["Namespace default"],
    fine: [
      namespace("default", "istio-injection: enabled"),
      POD.replace("image: x", "image: 'h/proxyv2:1'"),
      injector('{"global": {"hub": "h", "tag": "1", "proxy": {"image": "proxyv2"}}}'),
    ],
  },
  JwtClaimBasedRoutingWithoutRequestAuthN: {
    yaml: [
      GATEWAY_POD,
      gateway(`{selector: {istio: gw}, servers: [${server()}]}`),
      virtualService(
        "{hosts: [a.com], gateways: [gateway], http: [{match: [{headers: {'@request.auth.claims.sub': {exact: a}}}], route: [{destination: {host: a}}]}]}",
      ),
    ],
    on: ["VirtualService default/vs"],
  },
  EnvoyFilterUsesRelativeOperation: {
    yaml: [envoyFilter("{applyTo: HTTP_FILTER, match: {context: ANY}, patch: {operation: INSERT_BEFORE, value: {name: a}}}")],
    on: ["EnvoyFilter default/filter"],
    fine: [envoyFilter("{applyTo: HTTP_FILTER, match: {context: ANY}, patch: {operation: INSERT_FIRST, value: {name: a}}}")],
  },
  EnvoyFilterUsesReplaceOperationIncorrectly: {
    yaml: [envoyFilter("{applyTo: CLUSTER, patch: {operation: REPLACE, value: {name: a}}}")],
    on: ["EnvoyFilter default/filter"],
  },
  EnvoyFilterUsesAddOperationIncorrectly: {
    yaml: [envoyFilter("{applyTo: HTTP_ROUTE, patch: {operation: ADD, value: {name: a}}}")],
    on: ["EnvoyFilter default/filter"],
  },
  EnvoyFilterUsesRemoveOperationIncorrectly: {
    yaml: [envoyFilter("{applyTo: ROUTE_CONFIGURATION, patch: {operation: REMOVE}}")],
    on: ["EnvoyFilter default/filter"],
  },
  EnvoyFilterUsesRelativeOperationWithProxyVersion: {
    yaml: [
      envoyFilter("{applyTo: HTTP_FILTER, match: {proxy: {proxyVersion: '^1'}}, patch: {operation: INSERT_FIRST, value: {name: a}}}", "a"),
      envoyFilter("{applyTo: HTTP_FILTER, patch: {operation: INSERT_AFTER, value: {name: a}}}", "b"),
    ],
    on: ["EnvoyFilter default/b"],
  },
  InvalidTelemetryProvider: {
    yaml: [policy("Telemetry", "{accessLogging: [{}]}")],
    on: ["Telemetry default/policy"],
    fine: [policy("Telemetry", "{accessLogging: [{disabled: true}]}")],
  },
  ConflictingTelemetryWorkloadSelectors: {
    yaml: [POD, ...["a", "b"].map((name) => policy("Telemetry", "{selector: {matchLabels: {app: reviews}}}", name))],
    on: ["Telemetry default/a", "Telemetry default/b"],
  },
  MultipleTelemetriesWithoutWorkloadSelectors: {
    yaml: ["a", "b"].map((name) => policy("Telemetry", "{tracing: []}", name)),
    on: ["Telemetry default/a", "Telemetry default/b"],
  },
  ReferencedInternalGateway: {
    yaml: [
      virtualService("{hosts: [a.com], gateways: ['x~istio-autogenerated-k8s-gateway~http'], http: [{route: [{destination: {host: a}}]}]}"),
    ],
    on: ["VirtualService default/vs"],
  },
  IneffectiveSelector: {
    yaml: [
      POD.replace("app: reviews", "app: reviews, gateway.networking.k8s.io/gateway-name: gw"),
      policy("AuthorizationPolicy", "{selector: {matchLabels: {app: reviews}}}"),
    ],
    on: ["AuthorizationPolicy default/policy"],
  },
  IneffectivePolicy: {
    yaml: [namespace("default", "istio.io/dataplane-mode: ambient"), istio("Sidecar", "s", "{egress: [{hosts: ['*/*']}]}")],
    on: ["Sidecar default/s"],
  },
  MultiClusterInconsistentService: {
    yaml: [],
    on: ["Service default/reviews"],
    options: { clusters: { a: SERVICE, b: SERVICE.replace("port: 80", "port: 81") } },
  },
  NegativeConditionStatus: {
    yaml: [
      SERVICE.replace("spec:", "status: {conditions: [{type: istio.io/WaypointBound, status: 'False', reason: r, message: m}]}, spec:"),
    ],
    on: ["Service default/reviews"],
  },
  DestinationRuleSubsetNotSelectPods: {
    yaml: [SERVICE, POD, istio("DestinationRule", "dr", "{host: reviews, subsets: [{name: v1, labels: {version: v1}}]}")],
    on: ["DestinationRule default/dr"],
    fine: [
      SERVICE,
      POD,
      istio("DestinationRule", "dr", "{host: reviews, subsets: [{name: v1, labels: {app: reviews}}]}"),
      istio(
        "ServiceEntry",
        "se",
        "{hosts: [db.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, endpoints: [{address: 10.0.0.1, labels: {version: v1}}]}",
      ),
      istio("DestinationRule", "db", "{host: db.example.com, subsets: [{name: v1, labels: {version: v1}}]}"),
    ],
  },
  UnknownDestinationRuleHost: {
    yaml: [SERVICE, POD, istio("DestinationRule", "dr", "{host: ratings}")],
    on: ["DestinationRule default/dr"],
    fine: [SERVICE, POD, istio("DestinationRule", "dr", "{host: '*.default.svc.cluster.local'}")],
  },
  JwksUriFetchUnrestricted: {
    yaml: [deployment("istiod", "{containers: []}", "app: istiod"), policy("RequestAuthentication", "{}")],
    on: ["Deployment default/istiod"],
    fine: [
      deployment(
        "istiod",
        "{containers: [{name: d, image: i, env: [{name: BLOCKED_CIDRS_IN_JWKS_URIS, value: 10.0.0.0/8}]}]}",
        "app: istiod",
      ),
      policy("RequestAuthentication", "{}"),
    ],
  },
  GatewayAPICRDVersionBelowMinimum: {
    yaml: [
      crd(
        "tlsroutes.gateway.networking.k8s.io",
        "gateway.networking.k8s.io",
        "TLSRoute",
        "gateway.networking.k8s.io/bundle-version: v1.4.1",
      ),
    ],
    on: ["CustomResourceDefinition tlsroutes.gateway.networking.k8s.io"],
    fine: [
      crd(
        "tlsroutes.gateway.networking.k8s.io",
        "gateway.networking.k8s.io",
        "TLSRoute",
        "gateway.networking.k8s.io/bundle-version: v1.5.0-rc.1",
      ),
    ],
  },
};

function objectsWith(code: string, yaml: readonly string[], options: AnalyzeYaml = {}): readonly string[] {
  return analyzeYaml(yaml.join("\n---\n"), options)
    .filter((finding) => finding.code === code)
    .map(({ object }) => `${object?.kind} ${object?.namespace === "" ? "" : `${object?.namespace}/`}${object?.name}`);
}

for (const [name, { yaml, on, fine, options }] of Object.entries(CASES)) {
  const { code } = MESSAGES[name as keyof typeof MESSAGES];
  test(`${code} ${name}`, () => {
    assert.deepEqual(objectsWith(code, yaml, options).toSorted(), on.toSorted());
    if (fine !== undefined) assert.deepEqual(objectsWith(code, fine, options), []);
  });
}

/** What precheck/ gives, and what nobody gives; a fault of ours; MeshNetworks, which come in no document of their own. */
const NOT_FROM_DOCUMENTS = new Set([
  "InternalError",
  "UnknownMeshNetworksServiceRegistry",
  "InsufficientPermissions",
  "UnsupportedKubernetesVersion",
  "LocalhostListener",
  "UnsupportedGatewayAPIVersion",
  "FutureUnsupportedGatewayAPIVersion",
  "UnknownUpgradeCompatibility",
  "UpdateIncompatibility",
]);

test("every other message has a case, and codes and analyzers have names of their own", () => {
  const missing = Object.keys(MESSAGES).filter((name) => !Object.hasOwn(CASES, name) && !NOT_FROM_DOCUMENTS.has(name));
  assert.deepEqual(missing, []);
  assert.equal(new Set(Object.values(MESSAGES).map(({ code }) => code)).size, Object.keys(MESSAGES).length);
  assert.equal(new Set(ALL_ANALYZERS.map(({ name }) => name)).size, ALL_ANALYZERS.length);
  assert.equal(DEFAULT_ANALYZERS.length, ALL_ANALYZERS.length - 1);
});
