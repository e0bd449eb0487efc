import type { Story } from "./invocation.ts";

/** Descriptions are their authors' words; what is compared is which fields there are, and of which type. */
const FIELDS = /^(?:GROUP|KIND|VERSION|FIELD|FIELDS|ENUM)\b|^ +\w+\t<|^ {4}[A-Z_]+$/u;

/** What the server says of itself. */
export const discoveryStories: readonly Story[] = [
  {
    name: "discovery",
    rows: [
      { run: "api-versions", only: /istio\.io\/|^v1$|^apps\/v1$|^discovery\.k8s\.io\/v1$|^apiextensions/u },
      { run: "api-resources --api-group=networking.istio.io" },
      { run: "api-resources --api-group=security.istio.io -o wide", wordsDiffer: "categories and verbs of a wide table" },
      { run: "api-resources --api-group=telemetry.istio.io -o name" },
      { run: "api-resources --namespaced=false --api-group=", only: /^(?:NAME|namespaces|nodes)\b/u },
      {
        run: "api-resources",
        only: /^(?:NAME|services|configmaps|secrets|endpoints|events|serviceaccounts|pods) /u,
        wordsDiffer: "a mesh has the Events of the core group alone",
      },
      { run: "api-resources --verbs=list,watch --categories=istio-io --api-group=networking.istio.io -o name" },
      { run: "version -o json", wordsDiffer: "each server has a version of its own" },
      { run: "cluster-info", wordsDiffer: "a cluster names its add-ons" },
      { run: "get --raw /healthz" },
      { run: "get --raw /readyz" },
      { run: "get --raw /livez" },
      { run: "get --raw /nothing" },
    ],
  },
  {
    name: "explain",
    rows: [
      { run: "explain virtualservice", only: FIELDS },
      { run: "explain vs.spec", only: FIELDS },
      { run: "explain vs.spec.http.route --recursive", only: FIELDS },
      { run: "explain destinationrule.spec.trafficPolicy.outlierDetection", only: FIELDS },
      { run: "explain gateway.spec.servers.tls.mode", only: FIELDS },
      { run: "explain serviceentries.spec.endpoints --api-version=networking.istio.io/v1beta1 --recursive", only: FIELDS },
      { run: "explain service.spec.ports", only: /^(?:KIND|VERSION|FIELD|FIELDS|  (?:name|port|targetPort|protocol)\b)/u },
      { run: "explain configmap --recursive", only: /^(?:KIND|VERSION|  (?:data|immutable|kind)\b)/u },
      { run: "explain vs.spec.nothing" },
      { run: "explain nothing" },
    ],
  },
  {
    name: "who may",
    rows: [
      { run: "auth can-i create virtualservices" },
      { run: "auth can-i delete namespaces -A", wordsDiffer: "a warning on scopes" },
      { run: "auth can-i '*' '*'" },
      { run: "auth can-i get vs/reviews -q" },
      { run: "auth can-i --list", only: /^(?:Resources|\*\.\*) /u },
      { run: "auth whoami", wordsDiffer: "each server has names of its own for its users" },
      { run: "auth can-i create vs --as=nobody", wordsDiffer: "a laptop has one user; nobody is let act for another" },
    ],
  },
];
